/**
 * miniPaint (https://github.com/viliusle/miniPaint), by the objects it puts on its window: AppConfig (the document), Layers and
 * State (undo).
 *
 * The one idea: State takes any action that can be done and undone, so an insertion is one of our own, with everything in it
 * (the layer at its place among the others, the larger document, the other layers enlarged): one step to undo. A layer of
 * plain pixels is read from its picture; any other (text, strokes, rotated, filtered) as miniPaint draws it, on a canvas
 * that is large enough for what lies outside of the document. Opacity and blend mode stay with the layer and are not read.
 *
 * Layers are numbered from 1 again in a new document, so an id names its document too where it would be mistaken otherwise.
 *
 * Pixels come through a canvas, which keeps colour multiplied by alpha: the colour of nearly transparent ones is rounded.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Editor, Inserted, Insertion, LayerInfo, LayerPixels } from './editor.ts';
import { kept } from './memory.ts';
import { type Box, crop, opaqueBox, type Picture } from './picture.ts';
import { encodePng, pngAddress } from './png.ts';
import { drawSmall } from './thumbnail.ts';

interface Layer {
  id: number;
  name: string;
  /** Null: nothing is in it yet. */
  type: string | null;
  link: HTMLImageElement | null;
  /** A picture being worked on, which stands for `link` then. */
  link_canvas?: HTMLCanvasElement | null;
  x: number;
  y: number;
  /** As shown; null where miniPaint does not know (some strokes). */
  width: number | null;
  height: number | null;
  /** Of the picture. */
  width_original: number | null;
  height_original: number | null;
  visible: boolean;
  /** Degrees. */
  rotate: number | null;
  /** Larger is further up. */
  order: number;
  /** Points of a stroke, lines of a text. */
  data: unknown;
  params: Record<string, unknown>;
  filters: unknown[];
}

/** One entry of the history. */
interface Action {
  readonly action_id: string;
  readonly action_description: string;
  readonly memory_estimate: number;
  readonly database_estimate: number;
  /** Of an action that is made of several. */
  readonly actions_to_do?: readonly { readonly settings?: { readonly user_fonts?: object } | null }[] | null;
  do(): Promise<void>;
  undo(): Promise<void>;
  free(): void;
}

interface MiniPaint {
  readonly AppConfig: {
    WIDTH: number;
    HEIGHT: number;
    layers: Layer[];
    layer: Layer;
    need_render: boolean;
    /** Every document has an object of its own, which undo and redo bring back. Older versions have none. */
    readonly user_fonts?: object;
  };
  readonly Layers: {
    auto_increment: number;
    get_sorted_layers(): Layer[];
    render_object(context: CanvasRenderingContext2D, layer: Layer): void;
    refresh_gui(): void;
    readonly Base_gui: { prepare_canvas(): void; readonly GUI_preview: { zoom_auto(): void } };
  };
  readonly State: {
    readonly action_history: readonly Action[];
    readonly action_history_index: number;
    do_action(action: Action): Promise<{ status: 'completed' | 'aborted'; reason?: unknown }>;
    undo_action(): Promise<void>;
  };
}

/** As many pixels as every browser holds in one canvas. */
const MAX_AREA = 16_384 * 16_384;

/** How far beyond a layer's box its line, shadow or blur may reach, in pixels. */
const REACH = 200;

export function minipaint(page: Window & Partial<MiniPaint> = window): Editor {
  const editor = page as MiniPaint;
  /** The last insertion, to know it again. */
  let inserted: Action | null = null;

  const documents = () => kept(page, 'minipaint.documents', noDocuments);

  /** A layer's number, and its document's where a layer of that number was read from another. */
  function idOf({ id }: Layer): string {
    const { user_fonts } = editor.AppConfig;
    const readFrom = documents().readFrom.get(id);
    const number = numberOf(editor, documents());
    return readFrom && readFrom !== user_fonts && number ? `${id}@${number}` : String(id);
  }

  function remember({ id }: Layer): void {
    const { user_fonts } = editor.AppConfig;
    const { readFrom } = documents();
    if (user_fonts && !readFrom.has(id)) readFrom.set(id, user_fonts);
  }

  function find(id: string): Layer {
    const layer = editor.AppConfig.layers.find((one) => idOf(one) === id);
    if (!layer)
      throw new KernelFusionError('NO_SUCH_LAYER', 'That layer is not in miniPaint any more. Select a layer again.');
    return layer;
  }

  function describe(layer: Layer): LayerInfo {
    const [left, top, right, bottom] = boxOf(layer, documentBox());
    const { name, visible } = layer;
    return {
      ...{ id: idOf(layer), name, kind: kindOf(layer), visible, refusal: refusalOf(layer) },
      ...{ x: left, y: top, width: right - left, height: bottom - top },
    };
  }

  const documentBox = (): Box => [0, 0, editor.AppConfig.WIDTH, editor.AppConfig.HEIGHT];

  function read(layer: Layer): LayerPixels {
    const refusal = refusalOf(layer);
    if (refusal) throw new KernelFusionError('LAYER_REFUSED', refusal);
    remember(layer);
    if (isPlain(layer)) {
      const context = canvasOf(layer.width as number, layer.height as number);
      context.drawImage(sourceOf(layer), 0, 0);
      return { x: Math.round(layer.x), y: Math.round(layer.y), ...pixelsOf(context) };
    }
    const [left, top, right, bottom] = reachOf(layer, documentBox());
    const context = canvasOf(right - left, bottom - top);
    context.translate(-left, -top);
    editor.Layers.render_object(context, { ...layer, visible: true });
    const drawn = pixelsOf(context);
    const box = opaqueBox(drawn);
    if (!box) throw new KernelFusionError('LAYER_REFUSED', EMPTY);
    return { x: left + box[0], y: top + box[1], ...crop(drawn, box) };
  }

  /** The layer within its box: what a stroke or shadow has beyond that is left out. */
  function thumbnail(layer: Layer, side: number): Picture {
    const refusal = refusalOf(layer);
    if (refusal) throw new KernelFusionError('LAYER_REFUSED', refusal);
    const [left, top, right, bottom] = boxOf(layer, documentBox());
    return drawSmall({ width: right - left, height: bottom - top }, side, (context) => {
      context.translate(-left, -top);
      editor.Layers.render_object(context, { ...layer, visible: true });
    });
  }

  async function insert(insertion: Insertion): Promise<Inserted> {
    const { AppConfig, Layers, State } = editor;
    const { mode, scale, width, height } = insertion;
    const source = find(insertion.above);
    const enlarge = mode === 'enlarge-document' && scale > 1;
    if (enlarge && AppConfig.WIDTH * AppConfig.HEIGHT * scale * scale > MAX_AREA) {
      throw new KernelFusionError(
        'LAYER_TOO_LARGE',
        'The enlarged document would be larger than a browser can hold. Insert with “keep the document” instead.',
      );
    }
    const link = await imageOf(insertion);
    // One pixel of the layer is one of the document, or a fraction of one where the document stays as it is.
    const factor = mode === 'keep-document' ? 1 / scale : 1;
    const layer: Layer = {
      ...source, // Opacity, blend mode and whatever else a layer has.
      ...{ id: Layers.auto_increment, name: insertion.name, type: 'image', link, link_canvas: null, visible: true },
      ...{ x: insertion.x * factor, y: insertion.y * factor, width: width * factor, height: height * factor },
      ...{ width_original: width, height_original: height, rotate: 0, order: orderAbove(source, AppConfig.layers) },
      ...{ data: null, params: {}, filters: [] },
      ...{ render_function: null, is_vector: false, hide_selection_if_active: false, status: null },
    };
    const action = insertionOf(editor, layer, enlarge ? scale : 1);
    const { status, reason } = await State.do_action(action);
    if (status !== 'completed') {
      throw new KernelFusionError('EDITOR_FAILED', 'miniPaint did not take the new layer.', { cause: reason });
    }
    inserted = action;
    return { layerId: idOf(layer), undoSteps: 1 };
  }

  async function undo(): Promise<void> {
    const { action_history, action_history_index } = editor.State;
    if (inserted === null || action_history[action_history_index - 1] !== inserted) {
      throw new KernelFusionError(
        'DOCUMENT_CHANGED',
        'Something else was done in miniPaint since. Press Ctrl+Z (Cmd+Z) in it until the layer is gone.',
      );
    }
    inserted = null;
    await editor.State.undo_action();
  }

  return {
    name: 'minipaint',
    modes: ['enlarge-document', 'keep-document'],
    detect: () => page.AppConfig?.layer?.id !== undefined && page.Layers !== undefined && page.State !== undefined,
    document: async () => ({ name: 'miniPaint', width: editor.AppConfig.WIDTH, height: editor.AppConfig.HEIGHT }),
    layers: async () => editor.Layers.get_sorted_layers().map(describe),
    active: async () => describe(editor.AppConfig.layer),
    thumbnail: async (id, side) => thumbnail(find(id), side),
    read: async (id) => read(find(id)),
    insert,
    undo,
  };
}

/** What the page remembers of its documents, each by its `user_fonts`. */
interface Documents {
  /** Numbers of those begun by File > New, from 1 on. */
  readonly begun: Map<object, number>;
  /** The document that a layer of this number was read from first. */
  readonly readFrom: Map<number, object>;
}

const noDocuments = (): Documents => ({ begun: new Map(), readFrom: new Map() });

/**
 * The number of this document if it was begun by File > New, as the history tells until it forgets. Of one that was opened
 * from a file nobody knows whether it is the same as before: that has none.
 */
function numberOf({ AppConfig: { user_fonts }, State }: MiniPaint, { begun }: Documents): number | null {
  if (!user_fonts) return null;
  const isNew = ({ action_id, actions_to_do }: Action) =>
    action_id === 'new_file' && actions_to_do?.some(({ settings }) => settings?.user_fonts === user_fonts);
  if (!begun.has(user_fonts) && State.action_history.some(isNew)) begun.set(user_fonts, begun.size + 1);
  return begun.get(user_fonts) ?? null;
}

/** Everything an insertion changes, done and taken back as one. */
function insertionOf({ AppConfig, Layers }: MiniPaint, layer: Layer, scale: number): Action {
  let before: {
    active: Layer;
    increment: number;
    width: number;
    height: number;
    layers: Layer[];
    values: Partial<Layer>[];
  };
  const show = (resized: boolean) => {
    if (resized) {
      Layers.Base_gui.prepare_canvas();
      Layers.Base_gui.GUI_preview.zoom_auto();
    }
    Layers.refresh_gui();
    AppConfig.need_render = true;
  };
  return {
    action_id: 'kernelfusion_insert',
    action_description: 'KernelFusion',
    memory_estimate: 0,
    database_estimate: 0,
    async do() {
      const others = [...AppConfig.layers];
      before = {
        ...{ active: AppConfig.layer, increment: Layers.auto_increment, layers: others },
        ...{ width: AppConfig.WIDTH, height: AppConfig.HEIGHT, values: others.map(placeOf) },
      };
      if (scale > 1) for (const other of others) Object.assign(other, enlarged(other, scale));
      AppConfig.WIDTH *= scale;
      AppConfig.HEIGHT *= scale;
      AppConfig.layers.push(layer);
      AppConfig.layer = layer;
      Layers.auto_increment = layer.id + 1;
      show(scale > 1);
    },
    async undo() {
      AppConfig.layers.splice(AppConfig.layers.indexOf(layer), 1);
      before.layers.forEach((other, index) => {
        Object.assign(other, before.values[index]);
      });
      AppConfig.WIDTH = before.width;
      AppConfig.HEIGHT = before.height;
      AppConfig.layer = before.active;
      Layers.auto_increment = before.increment;
      show(scale > 1);
    },
    free() {},
  };
}

/** What `enlarged` changes of a layer. */
const placeOf = ({ x, y, width, height, data, params }: Layer): Partial<Layer> => ({
  ...{ x, y, width, height, data, params },
});

/** Lengths among the settings of a shape or stroke. */
const LENGTHS = ['size', 'border_size', 'radius'];

/** The same layer in a document `scale` times as large. A picture keeps its pixels and is shown larger. */
function enlarged(layer: Layer, scale: number): Partial<Layer> {
  const times = (value: number | null) => (value === null ? null : value * scale);
  const params = Object.fromEntries(
    Object.entries(layer.params).map(([key, value]) => [
      key,
      LENGTHS.includes(key) && typeof value === 'number' ? value * scale : value,
    ]),
  );
  return {
    ...{ x: layer.x * scale, y: layer.y * scale, width: times(layer.width), height: times(layer.height) },
    ...{ params, data: layer.type === 'text' ? enlargedText(layer.data, scale) : enlargedPoints(layer.data, scale) },
  };
}

/** Points are lists or objects of numbers, and may be breaks (null). */
function enlargedPoints(data: unknown, scale: number): unknown {
  if (typeof data === 'number') return data * scale;
  if (Array.isArray(data)) return data.map((each) => enlargedPoints(each, scale));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, enlargedPoints(value, scale)]));
}

/** How large letters are where nothing else is said: miniPaint's own default. */
const LETTER_SIZE = 40;

/** A text is lines of pieces, each with its looks. */
function enlargedText(data: unknown, scale: number): unknown {
  const lines = data as { text: string; meta: Record<string, unknown> }[][];
  return lines?.map((line) =>
    line.map(({ meta, ...piece }) => {
      const larger = ['stroke_size', 'kerning', 'leading'].filter((key) => typeof meta[key] === 'number');
      return {
        ...piece,
        meta: {
          ...meta,
          size: Number(meta.size ?? LETTER_SIZE) * scale,
          ...Object.fromEntries(larger.map((key) => [key, (meta[key] as number) * scale])),
        },
      };
    }),
  );
}

/** Half way to the layer above, if there is one. */
function orderAbove({ order }: Layer, layers: readonly Layer[]): number {
  const above = layers.map((layer) => layer.order).filter((one) => one > order);
  return above.length === 0 ? order + 1 : (order + Math.min(...above)) / 2;
}

const EMPTY = 'This layer is empty: there is nothing in it to enlarge.';
const FOREIGN =
  'This layer’s picture comes from another site, and the browser forbids to read it. Save it and open the file.';

const SHAPELESS: Readonly<Record<string, LayerInfo['kind']>> = { image: 'pixels', text: 'text', gradient: 'other' };

const kindOf = ({ type }: Layer): LayerInfo['kind'] => (type === null ? 'empty' : (SHAPELESS[type] ?? 'shape'));

function refusalOf(layer: Layer): string | null {
  if (layer.type === null) return EMPTY;
  return layer.type === 'image' && isForeign(sourceOf(layer)) ? FOREIGN : null;
}

const sourceOf = ({ link, link_canvas }: Layer) => (link_canvas ?? link) as HTMLImageElement | HTMLCanvasElement;

/** A layer whose picture is its pixels: neither turned, stretched nor filtered. */
function isPlain({ type, rotate, filters, ...layer }: Layer): boolean {
  const natural = layer.width === layer.width_original && layer.height === layer.height_original;
  return type === 'image' && !rotate && filters.length === 0 && natural;
}

/** The box around a layer, turned as it is; the document's where the layer has none. Edges are whole pixels. */
function boxOf({ x, y, width, height, rotate }: Layer, document: Box): Box {
  if (!width || !height) return document;
  const angle = ((rotate ?? 0) * Math.PI) / 180;
  const [sine, cosine] = [Math.abs(Math.sin(angle)), Math.abs(Math.cos(angle))];
  const [w, h] = [Math.abs(width), Math.abs(height)];
  const [halfWidth, halfHeight] = [(w * cosine + h * sine) / 2, (w * sine + h * cosine) / 2];
  const [middleX, middleY] = [x + width / 2, y + height / 2];
  // What a sine or cosine of a right angle is off by must not make a pixel more.
  const [floor, ceil] = [(n: number) => Math.floor(n + 1e-6), (n: number) => Math.ceil(n - 1e-6)];
  return [
    floor(middleX - halfWidth),
    floor(middleY - halfHeight),
    ceil(middleX + halfWidth),
    ceil(middleY + halfHeight),
  ];
}

/** Where a layer may have drawn something: its box and around it, and the document, for boxes of strokes are not exact. */
function reachOf(layer: Layer, document: Box): Box {
  const box = boxOf(layer, document);
  const reach = layer.type === 'image' && layer.filters.length === 0 ? 0 : REACH;
  const least = (a: number, b: number) => Math.min(a, b - reach);
  const most = (a: number, b: number) => Math.max(a, b + reach);
  if (reach === 0) return box;
  return [least(document[0], box[0]), least(document[1], box[1]), most(document[2], box[2]), most(document[3], box[3])];
}

function canvasOf(width: number, height: number): CanvasRenderingContext2D {
  if (width * height > MAX_AREA) {
    throw new KernelFusionError(
      'LAYER_TOO_LARGE',
      'The layer is larger than a browser can hold as one picture. Crop it.',
    );
  }
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  return canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
}

function pixelsOf(context: CanvasRenderingContext2D) {
  const { width, height } = context.canvas;
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

/** Whether the browser keeps a picture's pixels from the page, for it came from another site without leave. */
function isForeign(picture: HTMLImageElement | HTMLCanvasElement): boolean {
  const context = canvasOf(1, 1);
  context.drawImage(picture, 0, 0);
  try {
    context.getImageData(0, 0, 1, 1);
    return false;
  } catch {
    return true;
  }
}

/** The new layer's picture, as an address that carries it: miniPaint saves layers by it. */
async function imageOf(picture: Insertion): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = pngAddress(await encodePng(picture));
  await image.decode();
  return image;
}
