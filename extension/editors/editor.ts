/**
 * What an image editor has to offer for the panel to work with it: tell its document and layers, read one, insert one.
 *
 * The one idea: the panel knows no editor, an editor's file knows no panel. Each editor is one file (or folder) that
 * answers these questions from within the editor's own page. See README.md in this folder.
 *
 * Every method rejects with a `KernelFusionError` whose sentence a user can act on.
 */

/** The editors there are. Pages are asked in this order which of them they are: page-world.ts. */
export const EDITOR_NAMES = ['minipaint', 'piskel', 'photopea'] as const;

export interface EditorDocument {
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** The longest side it may be enlarged to, where that is less than a browser can hold: so that nobody computes in vain. */
  readonly longestSide?: number;
}

export interface LayerInfo {
  readonly id: string;
  readonly name: string;
  readonly kind: 'pixels' | 'text' | 'shape' | 'group' | 'adjustment' | 'empty' | 'other';
  readonly visible: boolean;
  /** Where the layer lies, in pixels of the document; partly outside is possible. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** A sentence that says why the layer can't be read, or null. */
  readonly refusal: string | null;
}

export interface LayerPixels {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Straight-alpha RGBA rows, 4 * width * height values of 0..255. */
  readonly rgba: Uint8ClampedArray;
}

/**
 * What becomes of the document: enlarged as the layer was, kept as it is with a layer of more pixels than its size, or
 * left alone while the layer becomes a document of its own.
 */
export type InsertMode = 'enlarge-document' | 'keep-document' | 'new-document';

export interface Insertion {
  readonly name: string;
  /** Id of the layer that the new one is put above. */
  readonly above: string;
  /** Where the new layer's corner lies, in pixels of the enlarged document. */
  readonly x: number;
  readonly y: number;
  readonly scale: 1 | 2 | 3 | 4;
  readonly mode: InsertMode;
  readonly width: number;
  readonly height: number;
  /** Straight-alpha RGBA rows. */
  readonly rgba: Uint8ClampedArray;
}

export interface Inserted {
  readonly layerId: string;
  /** How often a user has to undo to have the document as it was. */
  readonly undoSteps: number;
  /** A sentence about what the user may wonder at. */
  readonly note?: string;
}

/** One step of an editor's self-test, for a user who reports what does not work. */
export interface SelfTestStep {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface Editor {
  readonly name: (typeof EDITOR_NAMES)[number];
  /** What `insert` can do; the first is the default. */
  readonly modes: readonly InsertMode[];
  detect(): boolean | Promise<boolean>;
  document(): Promise<EditorDocument>;
  /** Top first. */
  layers(): Promise<LayerInfo[]>;
  active(): Promise<LayerInfo | null>;
  /** A small picture of a layer, neither side longer than `side`. */
  thumbnail(id: string, side: number): Promise<{ width: number; height: number; rgba: Uint8ClampedArray }>;
  read(id: string): Promise<LayerPixels>;
  insert(insertion: Insertion): Promise<Inserted>;
  /** Takes back the last insertion; `steps` as `insert` told. */
  undo(steps: number): Promise<void>;
  /** Tries out, one after another, what the editor is asked for; leaves its documents as they were. */
  selfTest?(): AsyncIterable<SelfTestStep>;
}
