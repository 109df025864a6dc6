/** The raw pipeline, in the content script's world: hands messages through. */
import type { Browser } from 'webextension-polyfill';

const world = globalThis as typeof globalThis & { browser?: Browser; chrome?: Browser };
const api = (world.browser ?? world.chrome) as Browser;

api.runtime.onConnect.addListener((panel) => {
  if (panel.name !== 'raw') return;
  const { port1, port2 } = new MessageChannel();
  window.postMessage('raw', window.origin, [port2]);
  panel.onMessage.addListener((message) => port1.postMessage(message));
  port1.onmessage = ({ data }) => panel.postMessage(data);
});
