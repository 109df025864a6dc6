/**
 * The documents of the Photopea double: layers with straight-alpha pixels, groups, smart objects, a history.
 *
 * The one idea: a document is plain data, so a test can say what it looks like before and after, and a state of the
 * history is a copy of it (the pixels, which nothing changes in place, are shared).
 */

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Straight-alpha RGBA rows. */
  readonly rgba: Uint8ClampedArray;
}

/** [left, top, right, bottom] in pixels of the document. */
export type Box = readonly [number, number, number, number];

export interface Layer {
  id: number;
  name: string;
  /** The name of a LayerKind: NORMAL, TEXT, SMARTOBJECT, CURVES ... */
  kind: string;
  visible: boolean;
  /** 0..100. */
  opacity: number;
  blendMode: string;
  locked: boolean;
  /** Where the layer's corner lies; a fraction of a pixel once a smart object has been resized. */
  x: number;
  y: number;
  /** How much a smart object is shrunk or enlarged, 1 = its own pixels. */
  scale: number;
  /** Quarter turns clockwise of a smart object. */
  turns: 0 | 1 | 2 | 3;
  picture: Picture | null;
  children: Layer[] | null;
}

/** What undo brings back. */
export interface State {
  width: number;
  height: number;
  layers: Layer[];
  active: number | null;
  selection: Box | null;
}

export interface Doc extends State {
  name: string;
  source: string;
  history: State[];
  /** Index of the present state. */
  present: number;
}

/** As many states as Photopea keeps for those who do not pay. */
const HISTORY_LENGTH = 30;

let lastId = 0;

export function layer(fields: Partial<Layer>): Layer {
  lastId += 1;
  return {
    ...{ id: lastId, name: 'Layer', kind: 'NORMAL', visible: true, opacity: 100, blendMode: 'norm', locked: false },
    ...{ x: 0, y: 0, scale: 1, turns: 0 as const, picture: null, children: null },
    ...fields,
  };
}

export function newDocument(name: string, width: number, height: number, layers: Layer[]): Doc {
  const doc = { name, source: '', width, height, layers, active: layers[0]?.id ?? null, selection: null };
  return { ...doc, history: [copyState(doc)], present: 0 };
}

const copyLayers = (layers: readonly Layer[]): Layer[] =>
  layers.map((one) => ({ ...one, children: one.children && copyLayers(one.children) }));

export function copyState({ width, height, layers, active, selection }: State): State {
  return { width, height, layers: copyLayers(layers), active, selection };
}

/** A copy with identities of its own, as `duplicate` makes. */
export function duplicateLayer(one: Layer): Layer {
  return layer({ ...one, id: layer({}).id, children: one.children?.map(duplicateLayer) ?? null });
}

/** Records the document as it is now as a new state; what had been undone is gone. */
export function remember(doc: Doc): void {
  doc.history = [...doc.history.slice(0, doc.present + 1), copyState(doc)].slice(-HISTORY_LENGTH);
  doc.present = doc.history.length - 1;
}

export function goTo(doc: Doc, state: number): void {
  Object.assign(doc, copyState(doc.history[state]));
  doc.present = state;
}

/** The list that holds a layer, and its place there. */
export function placeOf(layers: Layer[], id: number): { list: Layer[]; index: number } | null {
  const index = layers.findIndex((one) => one.id === id);
  if (index >= 0) return { list: layers, index };
  for (const one of layers) {
    const found = one.children && placeOf(one.children, id);
    if (found) return found;
  }
  return null;
}

export function find(doc: State, id: number): Layer | null {
  const place = placeOf(doc.layers, id);
  return place ? place.list[place.index] : null;
}

/** The layer's own pixels as they lie in the document: turned and resized, not composited. */
export function rendered(one: Layer): Picture | null {
  if (!one.picture) return null;
  const turned = turn(one.picture, one.turns);
  const width = Math.max(1, Math.round(turned.width * one.scale));
  const height = Math.max(1, Math.round(turned.height * one.scale));
  if (width === turned.width && height === turned.height) return turned;
  return map(width, height, (x, y) => [
    turned,
    Math.floor(((x + 0.5) * turned.width) / width),
    Math.floor(((y + 0.5) * turned.height) / height),
  ]);
}

function turn(picture: Picture, turns: number): Picture {
  if (turns === 0) return picture;
  const { width, height } = picture;
  const once = map(height, width, (x, y) => [picture, y, height - 1 - x]);
  return turn(once, turns - 1);
}

/** A picture whose every pixel is fetched from another: `from(x, y)` = [picture, x there, y there]. */
function map(width: number, height: number, from: (x: number, y: number) => [Picture, number, number]): Picture {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [picture, fromX, fromY] = from(x, y);
      const at = 4 * (fromY * picture.width + fromX);
      rgba.set(picture.rgba.subarray(at, at + 4), 4 * (y * width + x));
    }
  }
  return { width, height, rgba };
}

/** The box of all that is not wholly transparent; a group's holds those of its children. */
export function opaqueBox(one: Layer): Box | null {
  if (one.children) {
    return one.children
      .map(opaqueBox)
      .reduce<Box | null>((all, box) => (all && box ? union(all, box) : (all ?? box)), null);
  }
  const picture = rendered(one);
  if (!picture) return null;
  let box: Box | null = null;
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      if (picture.rgba[4 * (y * picture.width + x) + 3] === 0) continue;
      const left = Math.round(one.x) + x;
      const top = Math.round(one.y) + y;
      const pixel: Box = [left, top, left + 1, top + 1];
      box = box ? union(box, pixel) : pixel;
    }
  }
  return box;
}

const union = (a: Box, b: Box): Box => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.max(a[2], b[2]),
  Math.max(a[3], b[3]),
];

/** What is seen: the visible layers over one another, straight alpha. */
export function composite(doc: State): Picture {
  const rgba = new Uint8ClampedArray(4 * doc.width * doc.height);
  paint(rgba, doc.width, doc.height, doc.layers, 1);
  return { width: doc.width, height: doc.height, rgba };
}

function paint(rgba: Uint8ClampedArray, width: number, height: number, layers: readonly Layer[], strength: number) {
  for (const one of [...layers].reverse()) {
    if (!one.visible) continue;
    const opacity = (strength * one.opacity) / 100;
    if (one.children) paint(rgba, width, height, one.children, opacity);
    const picture = rendered(one);
    if (!picture) continue;
    for (let y = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const left = Math.round(one.x) + x;
        const top = Math.round(one.y) + y;
        if (left < 0 || top < 0 || left >= width || top >= height) continue;
        over(rgba, 4 * (top * width + left), picture.rgba, 4 * (y * picture.width + x), opacity);
      }
    }
  }
}

/** Porter and Duff's "over" on straight alpha. Over nothing it copies, so a lone layer comes out as it went in. */
function over(below: Uint8ClampedArray, at: number, above: Uint8ClampedArray, from: number, opacity: number) {
  const a = (above[from + 3] / 255) * opacity;
  const b = (below[at + 3] / 255) * (1 - a);
  if (a + b === 0) return;
  for (let c = 0; c < 3; c++) below[at + c] = (above[from + c] * a + below[at + c] * b) / (a + b);
  below[at + 3] = 255 * (a + b);
}
