/**
 * The panel's side of the way to an editor: puts our two scripts into a tab when asked, talks to them, and checks whatever
 * they answer, for they live in a page that is not ours (answers.ts).
 *
 * Scripts are injected by `scripting.executeScript`, which the browser allows in a tab whose toolbar button was clicked
 * (`activeTab`) or on a site the user has allowed.
 */
import type { Editor, Inserted, Insertion, LayerPixels, SelfTestStep } from '../editors/editor.ts';

export interface EditorLink {
  /**
   * Throws `NO_EDITOR` where the page is no editor we know, `NO_PERMISSION` where the browser keeps us out of the tab,
   * `EDITOR_SILENT` where the page does not answer, `CANCELLED`.
   */
  connect(tabId: number, signal?: AbortSignal): Promise<ConnectedEditor>;
}

/**
 * An editor in a tab. Every method may throw what the editor's own throws, and `PAGE_CLOSED` (the page was closed, reloaded
 * or left), `EDITOR_SILENT` (no answer in time) or `BAD_ANSWER` (the page answers nonsense).
 */
export interface ConnectedEditor
  extends Pick<Editor, 'name' | 'modes' | 'document' | 'layers' | 'active' | 'thumbnail' | 'undo'> {
  /** `onProgress` is told the share that has arrived, 0..1. */
  read(id: string, onProgress?: (fraction: number) => void, signal?: AbortSignal): Promise<LayerPixels>;
  /** Can be cancelled until all pixels are with the page; `onProgress` as above. */
  insert(insertion: Insertion, onProgress?: (fraction: number) => void, signal?: AbortSignal): Promise<Inserted>;
  /** There where the editor has a self-test. */
  selfTest?(): AsyncIterable<SelfTestStep>;
  /** Settles when the page is gone or `disconnect` was called; never rejects. */
  readonly closed: Promise<void>;
  disconnect(): void;
}
