/** Piskel as end-to-end tests drive it: through Piskel's own objects, with a drawing in a layer over an empty one. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { serveFolder } from '../support/static-site.ts';
import type { Drive } from './stage.ts';

const PISKEL = fileURLToPath(new URL('../../../node_modules/@code-dot-org/piskel/dest/prod', import.meta.url));
export const SIDE = 32;

/** RGBA of the pixel drawn at (x, y): no two are the same; 6 columns are clear, 10 half transparent, 16 opaque. */
export const drawn = (x: number, y: number) => [8 * x, 8 * y, 100, x < 6 ? 0 : x < 16 ? 128 : 255];

export interface Seen {
  readonly size: readonly [number, number];
  /** Bottom first; pixels as rrggbbaa, row by row. */
  readonly layers: readonly { readonly name: string; readonly pixels: readonly string[] }[];
}

/** What the exact helper makes of the drawing, at 2 times the size. Clear pixels have no colour. */
const expected = Array.from({ length: (2 * SIDE) ** 2 }, (_, at) => {
  const [r, g, b, a] = drawn((at % (2 * SIDE)) >> 1, Math.floor(at / (2 * SIDE)) >> 1);
  return inHex(a === 0 ? [0, 0, 0, 0] : [255 - r, 255 - g, 255 - b, a]);
});

export const piskel: Drive<Seen> = {
  name: 'Piskel',
  missing: false,
  serve: () => serveFolder(PISKEL),
  async draw(page) {
    await page.waitForFunction(() => window.pskl?.app?.historyService?.stateQueue?.length > 0);
    const colours = Array.from({ length: SIDE ** 2 }, (_, at) => {
      const [r, g, b, a] = drawn(at % SIDE, Math.floor(at / SIDE));
      return a === 0 ? null : `rgba(${r}, ${g}, ${b}, ${a / 255})`;
    });
    await page.evaluate((all) => {
      const controller = window.pskl.app.piskelController;
      controller.createLayer('Drawing');
      const frame = controller.getCurrentFrame();
      all.forEach((colour, at) => {
        if (colour) frame.setPixel(at % 32, Math.floor(at / 32), colour);
      });
      window.$.publish(window.Events.PISKEL_SAVE_STATE, { type: 'SNAPSHOT' });
    }, colours);
  },
  async look(page: Page) {
    const { size, layers } = await page.evaluate(() => {
      const controller = window.pskl.app.piskelController;
      const [width, height] = [controller.getWidth(), controller.getHeight()];
      const colours = (layer: PiskelLayer) =>
        Array.from({ length: width * height }, (_, at) =>
          layer.getFrames()[0].getPixel(at % width, Math.floor(at / width)),
        );
      const layers: PiskelLayer[] = controller.getLayers();
      return { size: [width, height] as const, layers: layers.map((each) => [each.getName(), colours(each)] as const) };
    });
    return { size, layers: layers.map(([name, colours]) => ({ name, pixels: colours.map(pixelOf) })) };
  },
  shown: /Drawing\s+32 × 32\s+becomes 64 × 64/,
  assertInserted({ size, layers }, untouched) {
    assert.deepEqual(
      [size, layers.map(({ name }) => name)],
      [
        [64, 64],
        ['Layer 1', 'Drawing', 'Drawing 2×'],
      ],
    );
    assert.deepEqual(layers[2].pixels, expected);
    // The layer it came from is enlarged with the document.
    const { pixels } = untouched.layers[1];
    assert.deepEqual(
      layers[1].pixels,
      layers[1].pixels.map((_, at) => pixels[SIDE * (Math.floor(at / 64) >> 1) + ((at % 64) >> 1)]),
    );
  },
};

/** Piskel writes colours down as TRANSPARENT, #rrggbb, rgb() or rgba(). */
function pixelOf(colour: string): string {
  if (colour === 'TRANSPARENT') return inHex([0, 0, 0, 0]);
  if (colour.startsWith('#')) return `${colour.slice(1)}ff`;
  const [r, g, b, alpha = 1] = colour
    .slice(colour.indexOf('(') + 1, -1)
    .split(',')
    .map(Number);
  return inHex([r, g, b, Math.round(255 * alpha)]);
}

function inHex(rgba: readonly number[]): string {
  return rgba.map((value) => value.toString(16).padStart(2, '0')).join('');
}

interface PiskelLayer {
  getName(): string;
  getFrames(): { getPixel(x: number, y: number): string }[];
}
