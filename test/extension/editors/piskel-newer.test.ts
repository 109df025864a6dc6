/**
 * Piskel as its makers host it is newer than what is on npm. This stands in for what differs there: pixels are numbers in
 * rows, a document has its frames a second, and some frames may be hidden. Written after its source
 * (https://github.com/piskelapp/piskel, src/js/model).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piskel } from '../../../extension/editors/piskel.ts';

class Frame {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
  constructor(width: number, height: number, pixels: ArrayLike<number> = new Uint32Array(width * height)) {
    this.width = width;
    this.height = height;
    this.pixels = Uint32Array.from(pixels);
  }
  static fromPixelGrid = (pixels: Uint32Array, width: number, height: number) => new Frame(width, height, pixels);
  getWidth = () => this.width;
  getHeight = () => this.height;
  getPixel = (x: number, y: number) => this.pixels[y * this.width + x];
}

class Layer {
  readonly name: string;
  readonly frames: Frame[];
  opacity = 1;
  constructor(name: string, frames: Frame[]) {
    this.name = name;
    this.frames = frames;
  }
  static fromFrames = (name: string, frames: Frame[]) => new Layer(name, frames);
  getName = () => this.name;
  getFrames = () => this.frames;
  getOpacity = () => this.opacity;
  setOpacity = (opacity: number) => {
    this.opacity = opacity;
  };
}

interface Sprite {
  readonly layers: Layer[];
  readonly fps: number;
  readonly descriptor: { name: string };
  savePath: string | null;
  hiddenFrames: number[];
  getLayers(): Layer[];
  getDescriptor(): { name: string };
}

function newerPiskel() {
  const fromLayers = (layers: Layer[], fps: number, descriptor: { name: string }): Sprite => ({
    ...{ layers, fps, descriptor, savePath: null, hiddenFrames: [] },
    ...{ getLayers: () => layers, getDescriptor: () => descriptor },
  });
  // Red at alpha 128, green opaque, over the other layer's nothing but one dark dot.
  const art = Layer.fromFrames('art', [Frame.fromPixelGrid(Uint32Array.of(0x800000ff, 0xff00ff00), 2, 1)]);
  const under = Layer.fromFrames('under', [Frame.fromPixelGrid(Uint32Array.of(0, 0xff030201), 2, 1)]);
  let sprite = fromLayers([under, art], 12, { name: 'Newer' });
  Object.assign(sprite, { savePath: '/art.piskel', hiddenFrames: [0] });
  const states = [sprite];
  let layerIndex = 1;
  const history = {
    ...{ currentIndex: 0, stateQueue: states },
    /** Overlooks the first call, as Piskel does when one comes too soon, and takes its time for the second. */
    calls: 0,
    undo() {
      history.calls += 1;
      if (history.calls < 2) return;
      queueMicrotask(() => {
        history.currentIndex = 0;
        sprite = states[0];
      });
    },
  };
  const piskelController = {
    getPiskel: () => sprite,
    setPiskel(next: Sprite) {
      sprite = next;
      states.push(next);
      history.currentIndex = states.length - 1;
    },
    ...{ getFPS: () => 24, getCurrentFrameIndex: () => 0, getCurrentLayerIndex: () => layerIndex },
    setCurrentLayerIndex(index: number) {
      layerIndex = index;
    },
    setCurrentFrameIndex: (index: number) => assert.equal(index, 0),
  };
  const model = { Frame, Layer, Piskel: { fromLayers } };
  const page = { pskl: { app: { piskelController, historyService: history }, model } };
  return { editor: piskel(page as unknown as Parameters<typeof piskel>[0]), sprite: () => sprite, history };
}

test('a newer Piskel’s pixels are read from its numbers', async () => {
  const { editor } = newerPiskel();
  assert.deepEqual(await editor.read('1:art'), {
    ...{ x: 0, y: 0, width: 2, height: 1 },
    rgba: new Uint8ClampedArray([255, 0, 0, 128, 0, 255, 0, 255]),
  });
});

test('a thumbnail takes a few of a large frame’s pixels, not all', async () => {
  const { editor, sprite } = newerPiskel();
  // Red on the left, blue on the right.
  const pixels = Uint32Array.from({ length: 512 * 256 }, (_, at) => (at % 512 < 256 ? 0xff0000ff : 0xffff0000));
  const frame = Frame.fromPixelGrid(pixels, 512, 256);
  let taken = 0;
  const all = frame.getPixel;
  frame.getPixel = (x, y) => {
    taken += 1;
    return all(x, y);
  };
  sprite().layers[1].frames[0] = frame;
  const { width, height, rgba } = await editor.thumbnail('1:art', 48);
  assert.deepEqual([width, height, taken < 9 * 48 * 24], [48, 24, true], `${taken} of ${pixels.length}`);
  for (let at = 0; at < width * height; at++) {
    const colour = at % 48 < 24 ? [255, 0, 0, 255] : [0, 0, 255, 255];
    assert.deepEqual([...rgba.subarray(4 * at, 4 * at + 4)], colour, `pixel ${at}`);
  }
});

test('a newer Piskel gets numbers in rows, and keeps its frames a second, hidden frames and file', async () => {
  const { editor, sprite, history } = newerPiskel();
  const rgba = new Uint8ClampedArray(Array.from({ length: 32 }, (_, index) => index + 200));
  const place = { above: '1:under', x: 0, y: 0, scale: 2, mode: 'enlarge-document' } as const;
  const { layerId } = await editor.insert({ name: 'new', ...place, width: 4, height: 2, rgba });
  const { layers, fps, savePath, hiddenFrames, descriptor } = sprite();
  assert.deepEqual(
    { fps, savePath, hiddenFrames, descriptor },
    {
      ...{ fps: 24, savePath: '/art.piskel', hiddenFrames: [0] },
      descriptor: { name: 'Newer' },
    },
  );
  assert.deepEqual(
    layers.map(({ name }) => name),
    ['under', 'new', 'art'],
  );
  assert.deepEqual([...layers[0].frames[0].pixels], [0, 0, 0xff030201, 0xff030201, 0, 0, 0xff030201, 0xff030201]);
  assert.equal(layers[1].frames[0].pixels[0], 0xcbcac9c8); // 203, 202, 201, 200
  assert.deepEqual((await editor.read(layerId)).rgba, rgba);
  assert.equal((await editor.active())?.name, 'new');
  await editor.undo(1);
  assert.equal(history.calls, 2);
  assert.deepEqual((await editor.document()).width, 2);
});
