/**
 * The script of photopea-frame.html: a frame within Photopea's page that passes messages on, word for word.
 *
 * The one idea: Photopea answers the window a script came from, so somebody framed has to send it. The page around
 * hands over a MessagePort; what comes from it goes to Photopea, what Photopea sends goes to it. The frame uses nothing
 * of the extension: a hostile page can make it talk to that same page, and no more.
 */
import { FRAME_HELLO } from './port.ts';

let toAdapter: MessagePort | null = null;

addEventListener('message', ({ data, source, ports, origin }) => {
  if (source !== parent) return;
  if (data === FRAME_HELLO && ports.length === 1) {
    toAdapter?.close();
    toAdapter = ports[0];
    toAdapter.onmessage = (message) => parent.postMessage(message.data, origin);
    return;
  }
  if (data instanceof ArrayBuffer) toAdapter?.postMessage(data, [data]);
  else toAdapter?.postMessage(data);
});
