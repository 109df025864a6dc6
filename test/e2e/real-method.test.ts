/**
 * The whole way with nothing put in the place of anything: the real method enlarges a drawing in Piskel. In one browser only, for
 * the way is tried in both by piskel.test.ts; by the quickest preset, for the others are tried where no browser waits (cli-jobs.test.ts).
 */
import assert from 'node:assert/strict';
import { TARGETS } from '../support/extension.ts';
import { drawn, piskel, SIDE } from './piskel.ts';
import { INSERTED, inBrowser } from './stage.ts';

/** Values of 0..255 by which smooth colours may differ from those of the drawing, at its own size. */
const LEEWAY = 6;
/** Milliseconds, for a machine that does other things besides. */
const PATIENCE = 280_000;

inBrowser(TARGETS[0], piskel, 'real', (scene) => {
  scene('the enlarged drawing looks like the drawing, and its kernel is shown', async ({ panel, look, helper }) => {
    const opened = await panel();
    await opened.offers('Upscale');
    await opened.choose('Preset', 'fast');
    await opened.click('button', 'Upscale');
    await opened.says(INSERTED, PATIENCE);
    const { size, layers } = await look();
    assert.deepEqual(
      [size, layers.map(({ name }) => name)],
      [
        [64, 64],
        ['Layer 1', 'Drawing', 'Drawing 2×'],
      ],
    );
    const valuesAt = (x: number, y: number) => [...Buffer.from(layers[2].pixels[2 * SIDE * y + x], 'hex')];
    // Away from edges, the mean of four pixels is about the one they come from.
    for (let y = 4; y < SIDE - 4; y++) {
      for (const x of [1, 2, 10, 11, 12, 21, 24, 27]) {
        const four = [0, 1, 2, 3].map((k) => valuesAt(2 * x + (k & 1), 2 * y + (k >> 1)));
        const goal = drawn(x, y);
        const isClear = goal[3] === 0;
        for (let c = isClear ? 3 : 0; c < 4; c++) {
          const mean = four.reduce((sum, pixel) => sum + pixel[c] / 4, 0);
          assert.ok(Math.abs(mean - goal[c]) <= LEEWAY, `value ${c} at (${x}, ${y}) is ${mean}, of ${goal[c]}`);
        }
      }
    }
    await opened.shows(/\d dB/);
    assert.deepEqual(helper.jobs(), []);
  });
});
