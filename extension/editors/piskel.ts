/**
 * Piskel (https://www.piskelapp.com), an editor of pixel art: small pictures, layers as large as the document, frames.
 *
 * The one idea: its model is read and built pixel by pixel, not through a canvas, so straight alpha keeps every bit. An
 * insertion builds the whole document anew, enlarged without smoothing, with the new layer in it; Piskel takes that as one
 * step to undo. Older versions keep a pixel as a colour text in columns, newer ones as a number in rows: both are spoken.
 * A layer is read from one frame of an animation, so its id names the frame too, and the result goes into that frame,
 * whichever is shown by then.
 * Its source: https://github.com/piskelapp/piskel
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Editor, Inserted, Insertion, LayerInfo, LayerPixels } from './editor.ts';
import { kept } from './memory.ts';
import { type Picture, shrink } from './picture.ts';

/** '#rrggbb', 'rgb(r, g, b)', 'rgba(r, g, b, a)' or 'TRANSPARENT' (older versions); 0xAABBGGRR (newer). */
type Pixel = string | number;

interface Frame {
  getWidth(): number;
  getHeight(): number;
  getPixel(x: number, y: number): Pixel;
}

interface Layer {
  getName(): string;
  getOpacity(): number;
  setOpacity(opacity: number): void;
  getFrames(): Frame[];
}

interface Sprite {
  getLayers(): Layer[];
  getDescriptor(): { readonly name: string };
  savePath?: unknown;
  hiddenFrames?: unknown;
}

/** What is used of Piskel's `window.pskl`. */
interface Piskel {
  readonly app: {
    readonly piskelController: {
      getPiskel(): Sprite;
      setPiskel(sprite: Sprite, options: { preserveState: true }): void;
      getFPS(): number;
      getCurrentLayerIndex(): number;
      setCurrentLayerIndex(index: number): void;
      getCurrentFrameIndex(): number;
      setCurrentFrameIndex(index: number): void;
    };
    readonly historyService: { currentIndex: number; readonly stateQueue: readonly unknown[]; undo(): void };
  };
  readonly model: {
    readonly Frame: {
      new (width: number, height: number): Frame;
      fromPixelGrid(pixels: Pixel[][] | Uint32Array, width: number, height: number): Frame;
    };
    readonly Layer: { fromFrames(name: string, frames: Frame[]): Layer };
    readonly Piskel: { fromLayers(...sprite: unknown[]): Sprite };
  };
}

type PiskelWindow = Window & { readonly pskl?: Piskel };

/** The longest side Piskel lets a user give a document (its own MAX_WIDTH and MAX_HEIGHT): beyond, it gets too slow to use. */
const LONGEST_SIDE = 1024;

/** How long a step back may take. Piskel takes one in 50 ms at most, and overlooks those that come sooner. */
const UNDO_MS = 10_000;
const LOOK_MS = 60;

export function piskel(page: PiskelWindow = window): Editor {
  /** The step that the last insertion was, to know it again. */
  let inserted: unknown = null;

  const app = () => (page.pskl as Piskel).app;
  const controller = () => app().piskelController;
  const sprite = () => controller().getPiskel();

  const sizeOf = (layer: Layer) => {
    const [frame] = layer.getFrames();
    return { width: frame.getWidth(), height: frame.getHeight() };
  };
  /** What was read, by its id. */
  const reads = () => kept(page, 'piskel.reads', () => new Map<string, FramesThen>());

  function find(id: string): { readonly layer: Layer; readonly frame: Frame; readonly place: number } {
    const layers = sprite().getLayers();
    const { layerId, place } = partsOf(id);
    const layer = layers[idsOf(layers).indexOf(layerId)];
    if (!layer)
      throw new KernelFusionError('NO_SUCH_LAYER', 'That layer is not in Piskel any more. Select a layer again.');
    const frame = layer.getFrames()[place];
    if (!frame) throw frameGone();
    return { layer, frame, place };
  }

  function describe(layer: Layer, layerId: string, place: number): LayerInfo {
    const empty = isEmpty(layer.getFrames()[place]);
    return {
      ...{ id: idIn(place, layerId), name: layer.getName(), kind: empty ? 'empty' : 'pixels' },
      ...{ visible: layer.getOpacity() > 0, x: 0, y: 0, ...sizeOf(layer), refusal: empty ? EMPTY : null },
    };
  }

  /** The layers of each frame, the one shown first: what was read from a frame is still there when another one is shown. */
  function describeAll(): LayerInfo[] {
    const layers = sprite().getLayers();
    const ids = idsOf(layers);
    const shown = controller().getCurrentFrameIndex();
    const others = [...layers[0].getFrames().keys()].filter((place) => place !== shown);
    // Piskel has layers bottom first.
    return [shown, ...others].flatMap((place) =>
      layers.map((layer, index) => describe(layer, ids[index], place)).reverse(),
    );
  }

  function active(): LayerInfo | null {
    const layers = sprite().getLayers();
    const index = controller().getCurrentLayerIndex();
    const layer = layers[index];
    return layer ? describe(layer, idsOf(layers)[index], controller().getCurrentFrameIndex()) : null;
  }

  function read(id: string): LayerPixels {
    const { layer, frame } = find(id);
    if (isEmpty(frame)) throw new KernelFusionError('LAYER_REFUSED', EMPTY);
    reads().set(id, framesOf(layer));
    return { x: 0, y: 0, ...pictureOf(frame) };
  }

  function insert({ name, above, scale, x, y, width, height, rgba }: Insertion): Inserted {
    const { Frame, Layer, Piskel } = (page.pskl as Piskel).model;
    const old = sprite();
    const layers = old.getLayers();
    const { layer: source, place } = find(above);
    const then = reads().get(above);
    const goal = then ? placeNow(place, then, source.getFrames()) : place;
    if (goal === null) throw frameGone();
    const before = sizeOf(source);
    const size = { width: before.width * scale, height: before.height * scale };
    if (x !== 0 || y !== 0 || width !== size.width || height !== size.height) {
      throw new KernelFusionError(
        'DOCUMENT_CHANGED',
        `The document in Piskel is ${before.width} × ${before.height} pixels now, not what the layer was read from. Bring it back as it was, then insert again.`,
      );
    }
    if (Math.max(width, height) > LONGEST_SIDE) {
      throw new KernelFusionError(
        'LAYER_TOO_LARGE',
        `Piskel's documents have at most ${LONGEST_SIDE} × ${LONGEST_SIDE} pixels, and this would be one of ${width} × ${height}. Download the picture instead, or choose a smaller scale.`,
      );
    }
    const inTexts = typeof source.getFrames()[goal].getPixel(0, 0) === 'string';
    const build = (at: (x: number, y: number) => Pixel) =>
      Frame.fromPixelGrid(inTexts ? columns(size, at) : rows(size, at), width, height);
    const enlarge = (layer: Layer) => {
      const frames = layer.getFrames().map((frame) => build((x, y) => frame.getPixel(div(x, scale), div(y, scale))));
      const larger = Layer.fromFrames(layer.getName(), frames);
      larger.setOpacity(layer.getOpacity());
      return larger;
    };
    const pixel = inTexts ? textPixel : numberPixel;
    const frames = source
      .getFrames()
      .map((_, index) =>
        index === goal ? build((x, y) => pixel(rgba, 4 * (y * width + x))) : new Frame(width, height),
      );
    const added = Layer.fromFrames(unusedName(name, layers), frames);
    added.setOpacity(source.getOpacity());

    const at = layers.indexOf(source) + 1;
    const all = layers.map(enlarge);
    all.splice(at, 0, added);
    // A newer Piskel takes the frames a second between layers and description.
    const rate = Piskel.fromLayers.length > 2 ? [controller().getFPS()] : [];
    const next = Piskel.fromLayers(all, ...rate, old.getDescriptor());
    Object.assign(next, { savePath: old.savePath }, 'hiddenFrames' in old && { hiddenFrames: old.hiddenFrames });
    controller().setPiskel(next, { preserveState: true }); // Saves the step to undo.
    inserted = lastStep();
    // Only now: the step to undo remembers which frame was shown.
    controller().setCurrentFrameIndex(goal);
    controller().setCurrentLayerIndex(at);
    const note =
      frames.length > 1
        ? `Only frame ${goal + 1}, which was read, has the new layer’s pixels; it is empty in the others.`
        : '';
    return { layerId: idIn(goal, idsOf(all)[at]), undoSteps: 1, ...(note && { note }) };
  }

  const lastStep = () => {
    const { stateQueue, currentIndex } = app().historyService;
    return stateQueue[currentIndex];
  };

  async function undo(): Promise<void> {
    const history = app().historyService;
    const at = history.currentIndex;
    if (inserted === null || lastStep() !== inserted) {
      throw new KernelFusionError(
        'DOCUMENT_CHANGED',
        'Something else was done in Piskel since. Press Ctrl+Z (Cmd+Z) in it until the layer is gone.',
      );
    }
    inserted = null;
    for (const end = Date.now() + UNDO_MS; history.currentIndex === at; ) {
      if (Date.now() > end) throw new KernelFusionError('EDITOR_FAILED', 'Piskel did not go back. Press Ctrl+Z in it.');
      history.undo();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  return {
    name: 'piskel',
    modes: ['enlarge-document'],
    detect: () => page.pskl?.app?.piskelController?.getPiskel !== undefined,
    async document() {
      const [layer] = sprite().getLayers();
      return { name: sprite().getDescriptor().name, ...sizeOf(layer), longestSide: LONGEST_SIDE };
    },
    layers: async () => describeAll(),
    active: async () => active(),
    thumbnail: async (id, side) => thumbnailOf(find(id).frame, side),
    read: async (id) => read(id),
    insert: async (insertion) => insert(insertion),
    undo,
  };
}

const EMPTY = 'This layer is empty in this frame: there is nothing in it to enlarge.';

const frameGone = () =>
  new KernelFusionError(
    'NO_SUCH_LAYER',
    'The frame that the layer was read from is not found in Piskel any more. Bring back the frames as they were, or select a layer again.',
  );

/** Piskel's layers have no ids: the name stands for one, with a number where several have the same. */
function idsOf(layers: readonly Layer[]): string[] {
  const seen = new Map<string, number>();
  return layers.map((layer) => {
    const name = layer.getName().slice(0, 80);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return `${count}:${name}`;
  });
}

/** The id of a layer in the frame at `place` (0 is the first). In the first frame it is the layer's own. */
const idIn = (place: number, layerId: string): string => (place === 0 ? layerId : `${place + 1}/${layerId}`);

/** What `idIn` put together. A layer's own id begins with a number and a colon. */
function partsOf(id: string): { readonly layerId: string; readonly place: number } {
  const frame = /^\d+(?=\/)/.exec(id)?.[0];
  return frame ? { layerId: id.slice(frame.length + 1), place: Number(frame) - 1 } : { layerId: id, place: 0 };
}

/** A layer's frames when it was read: the place of each, and how many there were. */
interface FramesThen {
  readonly places: WeakMap<Frame, number>;
  readonly count: number;
}

function framesOf(layer: Layer): FramesThen {
  const frames = layer.getFrames();
  return { places: new WeakMap(frames.map((frame, place) => [frame, place])), count: frames.length };
}

/**
 * Where the frame is now that was at `place` when the layer was read, or null where it is gone. Frames may have been added,
 * removed or moved since. Undo makes all of them anew: then they are known by their place, if there are as many as then.
 */
function placeNow(place: number, { places, count }: FramesThen, frames: readonly Frame[]): number | null {
  if (!frames.some((frame) => places.has(frame))) return frames.length === count ? place : null;
  const now = frames.findIndex((frame) => places.get(frame) === place);
  return now === -1 ? null : now;
}

/** Piskel makes no two layers of the same name. */
function unusedName(name: string, layers: readonly Layer[]): string {
  const used = new Set(layers.map((layer) => layer.getName()));
  let free = name || 'KernelFusion';
  for (let count = 2; used.has(free); count++) free = `${name} (${count})`;
  return free;
}

/** A frame's pixels, or the first of every `step` × `step`. */
function pictureOf(frame: Frame, step = 1): Picture {
  const [width, height] = [Math.ceil(frame.getWidth() / step), Math.ceil(frame.getHeight() / step)];
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rgba.set(colourOf(frame.getPixel(step * x, step * y)), 4 * (y * width + x));
  }
  return { width, height, rgba };
}

/** It is asked every few seconds: of a large frame as many pixels as the thumbnail shows, and a few more, are enough. */
const thumbnailOf = (frame: Frame, side: number): Picture =>
  shrink(pictureOf(frame, Math.ceil(Math.max(frame.getWidth(), frame.getHeight()) / (3 * side))), side);

function isEmpty(frame: Frame): boolean {
  const [width, height] = [frame.getWidth(), frame.getHeight()];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (!isClear(frame.getPixel(x, y))) return false;
  }
  return true;
}

const isClear = (pixel: Pixel): boolean =>
  typeof pixel === 'number' ? pixel >>> 24 === 0 : pixel === 'TRANSPARENT' || colourOf(pixel)[3] === 0;

/** Red, green, blue and alpha, 0..255. */
function colourOf(pixel: Pixel): readonly number[] {
  if (typeof pixel === 'number') return [0, 8, 16, 24].map((shift) => (pixel >>> shift) & 255);
  if (pixel === 'TRANSPARENT') return [0, 0, 0, 0];
  const hex = /^#?([0-9a-f]{6})$/i.exec(pixel);
  if (hex) return [16, 8, 0].map((shift) => (Number.parseInt(hex[1], 16) >> shift) & 255).concat(255);
  const numbers = /^rgba?\(([^)]*)\)$/.exec(pixel)?.[1].split(',').map(Number);
  if (!numbers || numbers.length < 3 || numbers.some(Number.isNaN)) {
    throw new KernelFusionError('EDITOR_FAILED', `Piskel has a colour that is not understood: ${pixel.slice(0, 40)}`);
  }
  const [red, green, blue, alpha = 1] = numbers;
  return [red, green, blue, Math.round(255 * alpha)];
}

const numberPixel = (rgba: Uint8ClampedArray, at: number): Pixel =>
  (rgba[at] | (rgba[at + 1] << 8) | (rgba[at + 2] << 16) | (rgba[at + 3] << 24)) >>> 0;

const textPixel = (rgba: Uint8ClampedArray, at: number): Pixel => {
  const [red, green, blue, alpha] = rgba.subarray(at, at + 4);
  if (alpha === 0) return 'TRANSPARENT';
  if (alpha < 255) return `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  return `#${[red, green, blue].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
};

type Size = { readonly width: number; readonly height: number };

const columns = ({ width, height }: Size, at: (x: number, y: number) => Pixel): Pixel[][] =>
  Array.from({ length: width }, (_, x) => Array.from({ length: height }, (_, y) => at(x, y)));

function rows({ width, height }: Size, at: (x: number, y: number) => Pixel): Uint32Array {
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels[y * width + x] = at(x, y) as number;
  return pixels;
}

const div = (a: number, b: number): number => Math.floor(a / b);
