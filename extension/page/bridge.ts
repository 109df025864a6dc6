/**
 * The content script: joins a port of the panel with the page's own world, where the editor is, and hands messages through.
 *
 * It runs in an isolated world: the page can't see the extension's interface, which is here, and the extension can't be
 * reached from the page but by answering what it was asked. Nothing secret comes this way: neither token nor address of the
 * helper.
 */
import type { Browser, Runtime } from 'webextension-polyfill';
import { HELLO, PORT } from './messages.ts';

const world = globalThis as typeof globalThis & { browser?: Browser; chrome?: Browser; kernelfusionBridge?: true };
const api = (world.browser ?? world.chrome) as Browser;

/** A private line to the page's world, where page-world.ts waits for it. */
function openPage(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const frameUrl = api.runtime.getURL('photopea-frame.html');
  window.dispatchEvent(new MessageEvent(HELLO, { data: frameUrl, ports: [port2] }));
  return port1;
}

function join(panel: Runtime.Port): void {
  if (panel.name !== PORT) return;
  const page = openPage();
  panel.onMessage.addListener((question) => page.postMessage(question));
  page.onmessage = ({ data }) => panel.postMessage(data);
  panel.onDisconnect.addListener(() => page.close());
}

// The script is injected whenever a panel connects; once is enough.
if (!world.kernelfusionBridge) {
  world.kernelfusionBridge = true;
  api.runtime.onConnect.addListener(join);
}
