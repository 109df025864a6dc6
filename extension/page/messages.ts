/**
 * What the panel asks a page and what the page answers. A question has a number, its answer has the same one; questions go
 *
 *   panel page  --runtime port-->  bridge.ts (isolated world)  --MessagePort-->  page-world.ts (the page's own world)
 *
 * Pixels travel in pieces of whole rows, each asked for or acknowledged, so that one piece at a time is on its way.
 * The page is not ours: the panel checks every answer (panel/answers.ts) before it looks at it.
 */
import type { ErrorCode } from '../../shared/errors.ts';
import type {
  Editor,
  EditorDocument,
  Inserted,
  Insertion,
  LayerInfo,
  LayerPixels,
  SelfTestStep,
} from '../editors/editor.ts';

/** Name of the port from panel to bridge. */
export const PORT = 'kernelfusion.editor';

/** Bytes of pixels in a piece at most: many rows of the longest there are. */
export const PIECE = 4 * 2 ** 20;

/** How many rows of a picture make a piece. */
export const rowsInPiece = (width: number): number => Math.max(1, Math.floor(PIECE / (4 * width)));

/**
 * The event by which the bridge hands the page's world a port; its data is the address of photopea-frame.html. Not a message to
 * the window: editors listen to those too, whatever a listener of ours would hold back (Chromium calls them in the order they
 * came), and one of them takes a message that it does not know for the wish for a new frame.
 */
export const HELLO = 'kernelfusion-hello';

/** The questions by name, and what goes with each. A `transfer` is a number by which a page knows pixels on their way. */
export interface Asked {
  /** Which editor is this? The first question. */
  readonly editor: Record<never, never>;
  readonly document: Record<never, never>;
  readonly layers: Record<never, never>;
  readonly active: Record<never, never>;
  readonly thumbnail: { readonly layer: string; readonly side: number };
  /** Read a layer and keep its pixels, to be pulled from the first row on. */
  readonly read: { readonly layer: string };
  readonly pull: { readonly transfer: number };
  /** Make room for the rows of a layer to be inserted, and take them from the first one on. */
  readonly receive: { readonly width: number; readonly height: number };
  readonly push: { readonly transfer: number; readonly rows: ArrayBuffer };
  /** Insert what was received. */
  readonly insert: Omit<Insertion, 'width' | 'height' | 'rgba'> & { readonly transfer: number };
  /** Forget a transfer that is not wanted any more. */
  readonly drop: { readonly transfer: number };
  readonly undo: { readonly steps: number };
  /** Start the editor's self-test; then its steps, one by one. */
  readonly test: Record<never, never>;
  readonly step: { readonly transfer: number };
}

/** The answer to each question. */
export interface Answered {
  readonly editor: { readonly name: Editor['name']; readonly modes: Editor['modes']; readonly tests: boolean };
  readonly document: EditorDocument;
  readonly layers: readonly LayerInfo[];
  readonly active: LayerInfo | null;
  readonly thumbnail: { readonly width: number; readonly height: number; readonly rows: ArrayBuffer };
  readonly read: Omit<LayerPixels, 'rgba'> & { readonly transfer: number };
  /** As many rows as `rowsInPiece` tells, or those that are left. After the last row the transfer is forgotten. */
  readonly pull: { readonly rows: ArrayBuffer };
  readonly receive: { readonly transfer: number };
  readonly push: null;
  readonly insert: Inserted;
  readonly drop: null;
  readonly undo: null;
  readonly test: { readonly transfer: number };
  /** Null after the last step. */
  readonly step: SelfTestStep | null;
}

export type Ask = keyof Asked;
export type Question<A extends Ask = Ask> = { [K in A]: { readonly id: number; readonly ask: K } & Asked[K] }[A];

export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: Answered[Ask] }
  | { readonly id: number; readonly ok: false; readonly code: ErrorCode; readonly sentence: string };
