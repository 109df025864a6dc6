/** The editor that the README writes down as an example is one: it is built and tried as it stands there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Editor } from '../../../extension/editors/editor.ts';
import type { KernelFusionError } from '../../../shared/errors.ts';
import { colourful } from '../../doubles/photopea/scene.ts';

const folder = fileURLToPath(new URL('../../../../extension/editors', import.meta.url));

/** The code as a function of the page. */
async function example(): Promise<(page: unknown) => Editor> {
  const readme = readFileSync(path.join(folder, 'README.md'), 'utf8');
  const contents = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  const { outputFiles } = await build({
    stdin: { contents, loader: 'ts', resolveDir: folder },
    ...{ bundle: true, format: 'iife', globalName: 'made', write: false },
  });
  return new Function('ImageData', 'document', `${outputFiles[0].text}; return made.easel;`)(ImageData, document);
}

/** What the example uses of a browser. */
class ImageData {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

const document = {
  createElement() {
    const canvas = { width: 0, height: 0, getContext: () => context };
    const getImageData = (_x: number, _y: number, width: number, height: number) =>
      new ImageData(new Uint8ClampedArray(4 * width * height), width, height);
    const context = { scale() {}, drawImage() {}, getImageData };
    return canvas;
  },
};

test('the example in the README is an editor', async () => {
  const picture = colourful(4, 3);
  const getImageData = () => new ImageData(picture.rgba, 4, 3);
  const canvas = { width: 4, height: 3, getContext: () => ({ getImageData }) };
  const inserted: unknown[] = [];
  const easel = {
    ...{ title: 'paper', width: 20, height: 10, current: 'a', undo: () => inserted.pop() },
    layers: [{ id: 'a', name: 'sprite', shown: true, left: 5, top: 6, canvas }],
    insertAbove: (id: string, layer: object) => `${id}${inserted.push(layer)}`,
  };
  const editor = (await example())({ easel });
  assert.equal(await editor.detect(), true);
  assert.equal((await example())({}).detect(), false);
  const sprite = {
    ...{ id: 'a', name: 'sprite', kind: 'pixels', visible: true, refusal: null },
    ...{ x: 5, y: 6, width: 4, height: 3 },
  };
  assert.deepEqual([await editor.layers(), await editor.active()], [[sprite], sprite]);
  assert.deepEqual(await editor.read('a'), { x: 5, y: 6, ...picture });
  const small = await editor.thumbnail('a', 2);
  assert.deepEqual([small.width, small.height, small.rgba.length], [2, 2, 16]);
  await assert.rejects(editor.read('b'), (error: KernelFusionError) => error.code === 'NO_SUCH_LAYER');
  const large = colourful(8, 6);
  const where = { name: 'big', above: 'a', x: 10, y: 12, scale: 2, mode: 'keep-document' } as const;
  assert.deepEqual(await editor.insert({ ...where, ...large }), { layerId: 'a1', undoSteps: 1 });
  assert.deepEqual(inserted, [{ name: 'big', left: 5, top: 6, picture: new ImageData(large.rgba, 8, 6) }]);
  await editor.undo(1);
  assert.deepEqual(inserted, []);
});
