/** Every state of the panel, light and dark: what axe-core finds wrong with it, and whether it fits into a narrow panel. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type OpenGallery, openGallery, PHOTOGRAPH, picturePixels, THEMES } from '../../gallery/gallery.ts';
import { asymmetric } from '../../support/asymmetric.ts';
import { missing, TARGETS } from '../../support/extension.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** As narrow as a person can make a side panel. */
const NARROW = 320;

describe('every state of the panel', { skip: missing(TARGETS[0]), timeout: 180_000 }, () => {
  let gallery: OpenGallery;
  before(async () => {
    const [original, enlarged] = await Promise.all([picturePixels(PHOTOGRAPH), picturePixels(PHOTOGRAPH, 2)]);
    gallery = await openGallery({ original, enlarged, kernel: asymmetric(14, 2), kernelSoFar: asymmetric(10, 2) });
    await gallery.page.addScriptTag({ content: axe.source });
  });
  after(() => gallery?.close());

  for (const theme of THEMES) {
    test(`axe-core finds nothing serious, ${theme}`, async () => {
      const found: string[] = [];
      for (const name of Object.keys(gallery.states)) {
        await gallery.show(name, { theme, width: 360 });
        const { violations, passes } = await gallery.page.evaluate(() => window.axe.run());
        // Colours were looked at, too: axe leaves out what it cannot run.
        assert.ok(passes.some(({ id }) => id === 'color-contrast'));
        for (const { id, impact, nodes } of violations) {
          if (impact === 'serious' || impact === 'critical') found.push(`${name}: ${id}: ${nodes[0].html}`);
        }
      }
      assert.deepEqual(found, []);
    });
  }

  test('presets can be chosen where there are several, each with a sentence; where there is one, nothing is asked', async () => {
    const { page } = gallery;
    const text = () => page.$eval('#panel', (panel) => (panel as HTMLElement).innerText);
    const words = { fast: { name: 'Fast', about: 'A minute.' }, best: { name: 'Best', about: 'An hour.' } };
    await page.evaluate((given) => window.gallery.showPresets(given), words);
    assert.match(await text(), /^Preset\s+Fast\s+Best\s+A minute\.$/);
    await page.select('select', 'best');
    assert.match(await text(), /An hour\.$/);
    assert.equal(await page.$eval('select', (list) => list.value), 'best');
    const { violations } = await page.evaluate(() => window.axe.run('#panel'));
    assert.deepEqual(violations, []);
    await page.evaluate((given) => window.gallery.showPresets(given), { fast: words.fast });
    assert.equal(await text(), '');
  });

  test('a result says how sure its kernel is, and what to do where that is little', async () => {
    const words: Record<string, string> = {};
    for (const name of ['done', 'uncertain', 'not-inserted']) {
      await gallery.show(name, { theme: 'light', width: 360 });
      words[name] = await gallery.page.$eval('#panel', (panel) => (panel as HTMLElement).innerText);
    }
    assert.match(words.done, /Confidence in the kernel\s+72 %/);
    assert.doesNotMatch(words.done, /uncertain/);
    assert.match(words.uncertain, /Confidence in the kernel\s+31 %/);
    assert.match(words.uncertain, /The kernel is uncertain: .* A larger or sharper layer may give/);
    assert.doesNotMatch(words['not-inserted'], /Confidence|uncertain/, 'the bicubic kernel was not found');
  });

  test('docs/panel shows each of them', () => {
    const page = readFileSync(path.join(root, 'docs', 'panel', 'README.md'), 'utf8');
    for (const [name, about] of Object.entries(gallery.states)) {
      assert.ok(page.includes(`## ${about}\n\n![${about}, light and dark](${name}.png)`), name);
      assert.ok(existsSync(path.join(root, 'docs', 'panel', `${name}.png`)), name);
    }
  });

  for (const isLong of [false, true]) {
    test(`nothing sticks out of a narrow panel${isLong ? ', even with the longest names' : ''}`, async () => {
      const wide: string[] = [];
      for (const name of Object.keys(gallery.states)) {
        await gallery.show(name, { theme: 'light', width: NARROW, isLong });
        const stickingOut = await gallery.page.evaluate((width) => {
          const all = [...document.querySelectorAll('#panel *')];
          const isSeen = (each: Element) => each.closest('.spoken') === null;
          return all
            .filter((each) => isSeen(each) && each.getBoundingClientRect().right > width)
            .map((each) => each.outerHTML);
        }, NARROW);
        if (stickingOut.length > 0) wide.push(`${name}: ${stickingOut[0].slice(0, 200)}`);
      }
      assert.deepEqual(wide, []);
    });
  }
});

declare global {
  interface Window {
    axe: typeof axe;
  }
}
