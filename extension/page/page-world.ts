/**
 * Runs in the page's own world, among the editor's objects: waits for the bridge's port and serves the editor on it.
 *
 * It is injected once for each connection and takes one port. Whatever is here the page can see and change: no token, no
 * part of the extension's interface.
 */
import { EDITOR_NAMES } from '../editors/editor.ts';
import { minipaint } from '../editors/minipaint.ts';
import { photopea } from '../editors/photopea/photopea.ts';
import { piskel } from '../editors/piskel.ts';
import { HELLO } from './messages.ts';
import { serveEditor } from './serve-editor.ts';

function take(event: Event): void {
  const { data, ports } = event as MessageEvent<string>;
  // Another injection waits for the next port.
  event.stopImmediatePropagation();
  window.removeEventListener(HELLO, take);
  const editors = { minipaint, piskel, photopea: () => photopea({ frameUrl: data }) };
  serveEditor(
    ports[0],
    EDITOR_NAMES.map((name) => editors[name]()),
  );
}

window.addEventListener(HELLO, take);
