/** What browser.test.ts runs within the page of the double: the adapter, and questions that come back as plain data. */
import type { Insertion } from '../../../../extension/editors/editor.ts';
import { LIMITS } from '../../../../extension/editors/photopea/channel.ts';
import { photopea, photopeaThrough } from '../../../../extension/editors/photopea/photopea.ts';
import { framePort, pluginAddress, shimPort } from '../../../../extension/editors/photopea/port.ts';

declare global {
  interface Window {
    tried: typeof tried;
  }
}

const page = { hostname: location.hostname, title: document.title };

/** The adapter as the extension has it, with less patience where a way has to be found not to work. */
function editor(frameUrl: string) {
  const ways = [shimPort(window), framePort(window, frameUrl, 'plugin'), framePort(window, frameUrl, 'frame')];
  return photopeaThrough({ ways, page, limits: { ...LIMITS, ping: 300 } });
}

const tried = {
  pluginAddress,
  /** What comes back when a script is sent without any of our ways. */
  async plainAnswers(): Promise<string[]> {
    const heard: string[] = [];
    const script = 'app.echoToOE("heard");';
    const listen = ({ data }: MessageEvent) => {
      if (data !== script) heard.push(String(data));
    };
    addEventListener('message', listen);
    window.postMessage(script, location.origin);
    // An answer would be sent by the time the double has worked off this message and the next.
    const { double } = window.photopeaDouble;
    while (double.scripts.at(-1) !== script) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done));
    removeEventListener('message', listen);
    return heard;
  },
  /** Names of the layers whose pixels or place came out other than they are. */
  async wrongLayers(): Promise<{ wrong: string[]; read: number; parentRestored: boolean; detected: boolean }> {
    const { scene, rendered } = window.photopeaDouble;
    const { sprite, hidden, turned, inner, outside } = scene!.layers;
    const adapter = photopea({});
    const wrong: string[] = [];
    const all = [sprite, hidden, turned, inner, outside];
    for (const one of all) {
      const { x, y, rgba } = await adapter.read(String(one.id));
      if (x !== one.x || y !== one.y || String(rgba) !== String(rendered(one)?.rgba)) wrong.push(one.name);
    }
    return { wrong, read: all.length, parentRestored: window.parent === window, detected: await adapter.detect() };
  },
  /** Adapters of several injections at once, as when a panel is closed and opened again. */
  async severalAtOnce() {
    const found = await Promise.all([1, 2, 3, 4].map(() => photopea({}).document()));
    return { names: found.map(({ name }) => name), parentRestored: window.parent === window };
  },
  async insertAndUndo(mode: Insertion['mode']) {
    const { double, scene, rendered } = window.photopeaDouble;
    const { sprite } = scene!.layers;
    const adapter = photopea({});
    const picture = rendered({ ...sprite, scale: 4 })!;
    const { undoSteps } = await adapter.insert({
      ...{ name: 'enlarged', above: String(sprite.id), x: 4 * sprite.x, y: 4 * sprite.y, scale: 4, mode },
      ...picture,
    });
    const doc = double.application.docs[double.application.active];
    const top = doc.layers[0];
    const inserted = {
      name: top.name,
      size: [doc.width, doc.height],
      exact: String(top.picture?.rgba) === String(picture.rgba),
    };
    if (undoSteps > 0) await adapter.undo(undoSteps);
    const { width, height, layers } = double.application.docs[0];
    return { ...inserted, undone: { size: [width, height], top: layers[0].name } };
  },
  async selfTest(frameUrl: string) {
    const steps = [];
    for await (const step of editor(frameUrl).selfTest!()) steps.push(step);
    return steps;
  },
};

window.tried = tried;
