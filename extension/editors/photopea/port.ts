/**
 * The three ways to talk to Photopea, behind one port: scripts and files go in, strings and files come out.
 *
 * The one idea: Photopea takes scripts by `postMessage` (photopea.com/api/live) and answers the window around it. A page
 * that is not framed has none, so
 *   1. "shim": we stand in for `window.parent` while a request is under way (the way of npm's autopea);
 *   2. "plugin": our own frame, opened by Photopea itself as a plugin, speaks for us (photopea.com/api/plugins);
 *   3. "frame": our own frame, put into the page by us, speaks for us.
 * Which of them a given version answers is found out by asking; see channel.ts.
 */

export type Message = string | ArrayBuffer;

export interface PhotopeaPort {
  readonly way: 'shim' | 'plugin' | 'frame';
  /** Listens for answers from now on. Rejects when this way does not exist in the page. */
  open(onAnswer: (message: Message) => void): Promise<OpenPort>;
}

export interface OpenPort {
  send(message: Message): void;
  /** Stops listening and leaves the page as it was. */
  close(): void;
}

/** What the page's code says to our frame once, with a MessagePort: from then on the frame relays. */
export const FRAME_HELLO = 'kernelfusion-photopea-frame';

/** How long our frame may take to load, in milliseconds. */
const FRAME_LOAD_MS = 5_000;

/** Marks a stand-in as ours, for another injection of this code in the same page to wait for its end. */
const OURS = Symbol.for('kernelfusion.photopea.stand-in');
/** How often to look whether it has ended, in milliseconds. */
const LOOK_MS = 20;

/**
 * Way 1. `window.parent` may be replaced, and is, between `open` and `close`; every other script of the page sees the
 * replacement meanwhile, so it is kept for the time of one request only.
 */
export function shimPort(page: Window): PhotopeaPort {
  return {
    way: 'shim',
    async open(onAnswer) {
      const standIn = { postMessage: (message: unknown) => isMessage(message) && onAnswer(message) };
      let replaced = replaceParent(page, standIn);
      while (!replaced) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        replaced = replaceParent(page, standIn);
      }
      return { send: (message) => page.postMessage(message, page.location.origin), close: replaced.put };
    },
  };
}

/** Replaces `window.parent`; `put` puts it back. Null while another stand-in of ours is there: two would mix up. */
function replaceParent(page: Window, standIn: unknown): { put(): void } | null {
  const own = Object.getOwnPropertyDescriptor(page, 'parent');
  if (!own?.configurable) throw new Error('window.parent cannot be replaced');
  if (own.get && OURS in own.get) return null;
  const get = Object.assign(() => standIn, { [OURS]: true });
  Object.defineProperty(page, 'parent', { configurable: true, enumerable: true, get });
  return { put: () => Object.defineProperty(page, 'parent', own) };
}

/** Ways 2 and 3. `address` is that of photopea-frame.html within the extension. */
export function framePort(page: Window, address: string, way: 'plugin' | 'frame'): PhotopeaPort {
  return {
    way,
    async open(onAnswer) {
      // A frame of our own making is hidden, and one that Photopea opened is not.
      const found = [...page.document.querySelectorAll('iframe')].find(
        (frame) => frame.src.startsWith(address) && frame.hidden === (way === 'frame'),
      );
      if (way === 'plugin' && !found) throw new Error('Photopea has not opened the plugin');
      const frame = found ?? (await addFrame(page, address));
      const channel = new MessageChannel();
      channel.port1.onmessage = ({ data }) => {
        if (isMessage(data)) onAnswer(data);
      };
      // The frame's origin is the extension's: nobody else may be handed the port.
      frame.contentWindow?.postMessage(FRAME_HELLO, originOf(address), [channel.port2]);
      return {
        send: (message) => channel.port1.postMessage(message),
        close: () => channel.port1.close(),
      };
    },
  };
}

async function addFrame(page: Window, address: string): Promise<HTMLIFrameElement> {
  const frame = page.document.createElement('iframe');
  frame.hidden = true;
  frame.src = address;
  const loaded = new Promise<void>((resolve, reject) => {
    frame.onload = () => resolve();
    page.setTimeout(() => reject(new Error('our frame did not load')), FRAME_LOAD_MS);
  });
  page.document.body.append(frame);
  try {
    await loaded;
  } catch (error) {
    frame.remove();
    throw error;
  }
  return frame;
}

/** Scheme and host, by hand: browsers do not agree on `new URL(...).origin` of an extension's address. */
function originOf(address: string): string {
  const [origin] = /^[a-z-]+:\/\/[^/]+/.exec(address) ?? [];
  if (!origin) throw new Error('the frame has no address');
  return origin;
}

/** Where Photopea opens with our frame as a plugin (it has to be loaded anew for that). */
export function pluginAddress(frameAddress: string): string {
  const plugin = { name: 'KernelFusion', url: frameAddress, width: 240, height: 80 };
  return `https://www.photopea.com#${encodeURIComponent(JSON.stringify({ environment: { plugins: [plugin] } }))}`;
}

/** Objects come from nobody we know: Photopea speaks in strings and files only. A file may be of another realm. */
function isMessage(message: unknown): message is Message {
  return typeof message === 'string' || Object.prototype.toString.call(message) === '[object ArrayBuffer]';
}
