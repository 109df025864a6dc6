/**
 * Photopea (https://www.photopea.com) as an editor: everything by the scripts it takes as messages, nothing of its insides.
 *
 * The one idea: look, ask one thing, look again. Scripts may die in silence half way, so nothing is believed to have
 * happened until it has been seen, and whatever was begun (a temporary document, hidden layers, a half-placed layer) is
 * taken back by a request of its own. Photopea's author asks integrators to keep to the documented messages
 * (github.com/photopea/photopea/issues/4559); this file does.
 */
import { KernelFusionError } from '../../../shared/errors.ts';
import type { Editor, Inserted, Insertion, LayerInfo, LayerPixels, SelfTestStep } from '../editor.ts';
import { type Box, crop, opaqueBox, type Picture, shrink } from '../picture.ts';
import { decodePng, encodePng, pngAddress, pngSize } from '../png.ts';
import { LIMITS, type Limits, PhotopeaChannel } from './channel.ts';
import { agrees, goalOf, resizePercent, shift } from './placement.ts';
import { framePort, type PhotopeaPort, pluginAddress, shimPort } from './port.ts';
import type { Before, DocumentMark, Inspection, ScriptLayer } from './scripts.ts';
import * as scripts from './scripts.ts';

/** As many pixels as every browser holds in one canvas, measured: more comes out blank in Chromium. */
const MAX_AREA = 16_384 * 16_384;

/** Milliseconds between two looks for a layer or document that Photopea opens in its own time. */
const LOOK_MS = 50;

/** A step back more than counted may be needed: versions differ in what they write down as a step. */
const SPARE_STEPS = 2;

export interface PhotopeaOptions {
  /** The ways to try, in this order. */
  readonly ways: readonly PhotopeaPort[];
  readonly limits?: Limits;
  /** Photopea's own page, by its address and title: copies under other addresses keep the title. */
  readonly page: { readonly hostname: string; readonly title: string };
  /** Where Photopea opens with one more way to it, for the user whom it does not answer. */
  readonly otherAddress?: string | undefined;
}

/** Photopea as it is in this page. `frameUrl` is the address of photopea-frame.html, without which one way is left. */
export function photopea({ frameUrl }: { readonly frameUrl?: string | undefined }): Editor {
  const frames = frameUrl ? (['plugin', 'frame'] as const).map((way) => framePort(window, frameUrl, way)) : [];
  const page = { hostname: window.location.hostname, title: window.document.title };
  const otherAddress = frameUrl && pluginAddress(frameUrl);
  return photopeaThrough({ ways: [shimPort(window), ...frames], page, otherAddress });
}

export function photopeaThrough({ ways, limits = LIMITS, page, otherAddress }: PhotopeaOptions): Editor {
  const channel = new PhotopeaChannel(ways, limits);
  const alone = oneAtATime();
  /** What the document was before the last insertion. */
  let before: Before | null = null;
  /** Which document each layer was read from, by the layer's id. */
  const sources = new Map<string, DocumentMark>();
  /** What has still to be put in order in the user's editor: scripts that did not get through yet. */
  const owed: scripts.Script<unknown>[] = [];
  /** Copying into a temporary document failed once in this page: the other way is taken from then on. */
  let copies = true;

  const run = async <Reply>(script: scripts.Script<Reply>): Promise<Reply> => (await channel.run(script)).reply;

  /**
   * Puts things in order. What fails is tried once more and then given up: the document may have been closed. While
   * Photopea is silent the debt stays.
   */
  async function settleDebts(): Promise<void> {
    const unlessSilent = (error: unknown) => {
      if (error instanceof KernelFusionError && error.code === 'EDITOR_SILENT') throw error;
      return false;
    };
    for (let script = owed[0]; script; script = owed[0]) {
      if ((await run(script).catch(unlessSilent)) === false) await run(script).catch(unlessSilent);
      owed.shift();
    }
  }

  async function inspect(): Promise<Inspection & { readonly document: DocumentMark }> {
    await settleDebts();
    let found = await run(scripts.inspect());
    if (found.document?.name.startsWith(scripts.TEMPORARY)) {
      // Left open by a panel that was closed half way; whose document was active then nobody knows any more.
      await run(scripts.closeTemporary(null));
      found = await run(scripts.inspect());
    }
    const { document, ...rest } = found;
    if (!document) throw noDocument();
    return { document, ...rest };
  }

  async function withFile<Reply>(script: scripts.Script<Reply>): Promise<{ reply: Reply; file: Uint8Array }> {
    const { reply, file } = await channel.run(script);
    const bytes = new Uint8Array(file ?? new ArrayBuffer(0));
    const size = pngSize(bytes);
    if (!size) throw failed('It sent no picture.');
    if (size.width * size.height > MAX_AREA) throw tooLarge();
    return { reply, file: bytes };
  }

  async function exportCopy(document: DocumentMark, id: string) {
    owed.push(scripts.closeTemporary(document));
    try {
      return await withFile(scripts.exportCopy(id, MAX_AREA));
    } finally {
      await settleDebts();
    }
  }

  async function exportAlone(id: string) {
    const looks = await run(scripts.readLooks(id));
    owed.push(scripts.restoreLooks(looks));
    try {
      return await withFile(scripts.exportAlone(id));
    } finally {
      await settleDebts();
    }
  }

  async function read(id: string): Promise<LayerPixels> {
    const { document, layers } = await inspect();
    const layer = layers.find((one) => one.id === id);
    if (!layer) throw noLayer();
    const { refusal } = describe(layer, document);
    if (refusal) throw new KernelFusionError('LAYER_REFUSED', refusal);
    let exported: Awaited<ReturnType<typeof exportCopy>>;
    try {
      if (!copies) throw failed('It does not copy layers.');
      exported = await exportCopy(document, id);
    } catch (error) {
      if (!(error instanceof KernelFusionError) || error.code !== 'EDITOR_FAILED') throw error;
      exported = await exportAlone(id);
      copies = false;
    }
    const { reply, file } = exported;
    const picture = await decodePng(file);
    if (picture.width !== reply.width || picture.height !== reply.height) {
      throw failed('It sent another picture than the one asked for.');
    }
    const box = opaqueBox(picture);
    if (!box) throw new KernelFusionError('LAYER_REFUSED', EMPTY);
    sources.set(id, document);
    return { x: reply.x + box[0], y: reply.y + box[1], ...crop(picture, box) };
  }

  /** Waits until `look` finds something. */
  async function lookFor<T>(look: () => Promise<T | null>): Promise<T> {
    for (const end = Date.now() + limits.appear; Date.now() < end; ) {
      const found = await look();
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw failed('What it was given to open did not appear.');
  }

  async function insertAsDocument(name: string, file: Uint8Array<ArrayBuffer>): Promise<Inserted> {
    const { count } = await run(scripts.countDocuments());
    const present = (await run(scripts.inspect())).document;
    await channel.deliver(file.buffer);
    const layerId = await lookFor(async () => (await run(scripts.nameOpened(present, count, name))).id);
    before = null;
    return { layerId, undoSteps: 0, note: 'The layer was opened as a document of its own. Close it to take it back.' };
  }

  /** Has the picture put into the document above a layer, as large as it is there; says which layer it became. */
  async function place(document: DocumentMark, above: string, file: Uint8Array<ArrayBuffer>, known: readonly string[]) {
    const address = pngAddress(file);
    if (address.length <= limits.address) await run(scripts.openAbove(above, address));
    else {
      const { count } = await run(scripts.countDocuments());
      await channel.deliver(file.buffer);
      await lookFor(async () => ((await run(scripts.countDocuments())).count > count ? true : null));
      await run(scripts.copyAcross(document, above));
    }
    return lookFor(async () => {
      const { id, box, inPlace } = await run(scripts.findNew(known, above));
      return id !== null && box !== null ? { id, box, inPlace } : null;
    });
  }

  async function insertIntoDocument(
    insertion: Insertion,
    file: Uint8Array<ArrayBuffer>,
    opaque: Box,
  ): Promise<Inserted> {
    const { above, scale, mode, x, y, width, height } = insertion;
    const { document, layers, selection } = await inspect();
    if (!layers.some(({ id }) => id === above)) throw noLayer();
    const source = sources.get(above) ?? document;
    if (source.name !== document.name)
      throw changed(`“${source.name}” is not the document that is open in Photopea now`);
    if (source.width !== document.width || source.height !== document.height) {
      throw changed(`“${source.name}” has changed its size since the layer was read`);
    }
    const enlarge = mode === 'enlarge-document' && scale > 1;
    if (enlarge && document.width * document.height * scale * scale > MAX_AREA) {
      throw new KernelFusionError(
        'LAYER_TOO_LARGE',
        'The enlarged document would be larger than a browser can hold. Insert with “keep the document” or as a new document.',
      );
    }
    const known = layers.map(({ id }) => id);
    before = { name: document.name, width: document.width, height: document.height, selection, layers: known };
    const notes: string[] = [];
    let steps = 0;
    try {
      if (selection) {
        await run(scripts.deselect());
        steps += 1;
        notes.push('The selection was dropped.');
      }
      let size: { width: number; height: number } = document;
      if (enlarge) {
        size = await run(scripts.resizeDocument(document.width * scale, document.height * scale));
        steps += 1;
        if (size.width !== document.width * scale) throw failed('It did not enlarge the document.');
      }
      const placed = await place({ ...document, ...size, active: null }, above, file, known);
      steps += 1;
      const factor = mode === 'keep-document' ? 1 / scale : 1;
      const percent = resizePercent({ width, height, opaque }, size, placed.box, factor);
      const { box } = await run(scripts.arrange(placed.id, percent, placed.inPlace ? null : above));
      steps += (percent === 100 ? 0 : 1) + (placed.inPlace ? 0 : 1);
      if (!box) throw failed('It lost the new layer.');
      const goal = goalOf(opaque, x, y, factor);
      const [dx, dy] = shift(box, goal);
      const settled = await run(scripts.settle(placed.id, dx, dy, layerName(insertion.name)));
      steps += (dx === 0 && dy === 0 ? 0 : 1) + 1;
      if (!settled.box || !agrees(settled.box, goal)) notes.push('Photopea put the layer a little beside its place.');
      try {
        steps += (await run(scripts.dress(placed.id, above))).steps;
      } catch {
        notes.push('The new layer did not take the opacity and blend mode of the old one.');
      }
      return { layerId: placed.id, undoSteps: steps, ...(notes.length > 0 ? { note: notes.join(' ') } : {}) };
    } catch (error) {
      if (error instanceof KernelFusionError && error.code === 'EDITOR_SILENT') {
        throw new KernelFusionError(
          'EDITOR_SILENT',
          'Photopea stopped answering while the layer was put in. Close any window within it, undo there (Ctrl+Z, or Cmd+Z) what it did already, and insert again.',
          { cause: error },
        );
      }
      const back = await goBack(steps + SPARE_STEPS + 2).catch(() => false);
      throw new KernelFusionError(
        'EDITOR_FAILED',
        `Photopea did not take the new layer. ${
          back ? 'Its document is as it was.' : 'Undo in Photopea (Ctrl+Z, or Cmd+Z) until its document is as it was.'
        } Try again, or insert it as a new document.`,
        { cause: error },
      );
    }
  }

  async function goBack(steps: number): Promise<boolean> {
    if (!before) return false;
    return (await run(scripts.goBack(before, steps))).same;
  }

  async function* selfTest(): AsyncGenerator<SelfTestStep> {
    let document: DocumentMark | null = null;
    const steps: [string, () => Promise<string>][] = [
      ['Photopea answers', async () => `${(await run(scripts.ping())) && `By way of the ${channel.way}.`}`],
      [
        'The open document is read',
        async () => {
          const found = await run(scripts.inspect());
          document = found.document;
          if (!document) return 'None is open.';
          return `“${document.name}”, ${document.width} × ${document.height}, ${found.layers.length} layers.`;
        },
      ],
      [
        'A picture comes back',
        async () => {
          const { file } = await withFile(scripts.exportEmpty());
          const { width, height } = await decodePng(file);
          if (width !== 1 || height !== 1) throw failed(`It is ${width} × ${height} pixels and should be 1 × 1.`);
          return `${file.length} bytes.`;
        },
      ],
      [
        'The temporary document is closed',
        async () => {
          const { closed, found } = await run(scripts.closeTemporary(document));
          if (!found) throw failed('The document from before is not the active one again.');
          if (closed !== 1) throw failed(`${closed} were closed, and there was one.`);
          return 'Yours is the active one again.';
        },
      ],
    ];
    for (const [step, act] of steps) {
      try {
        yield { step, ok: true, detail: await alone(act) };
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        const hint = channel.way || !otherAddress ? '' : ` If it never does, open Photopea anew by ${otherAddress}`;
        yield { step, ok: false, detail: detail + hint };
        if (!channel.way) return; // Nothing else can be tried.
      }
    }
  }

  return {
    name: 'photopea',
    modes: ['keep-document', 'enlarge-document', 'new-document'],
    detect: () => /^(?:www\.)?photopea\.com$/.test(page.hostname) || /^Photopea\b/.test(page.title),
    document: () =>
      alone(async () => (({ name, width, height }) => ({ name, width, height }))((await inspect()).document)),
    layers: () =>
      alone(async () => {
        const { document, layers } = await inspect();
        return layers.map((layer) => describe(layer, document));
      }),
    active: () =>
      alone(async () => {
        const { document, layers } = await inspect();
        const layer = layers.find(({ id }) => id === document.active);
        return layer ? describe(layer, document) : null;
      }),
    thumbnail: (id, side) => alone(async () => shrink(await read(id), side)),
    read: (id) => alone(() => read(id)),
    insert: (insertion) =>
      alone(async () => {
        const picture: Picture = insertion;
        const opaque = opaqueBox(picture);
        if (!opaque)
          throw new KernelFusionError('LAYER_REFUSED', 'There is nothing to insert: the picture is transparent.');
        const file = await encodePng(picture);
        if (insertion.mode === 'new-document') return insertAsDocument(layerName(insertion.name), file);
        return insertIntoDocument(insertion, file, opaque);
      }),
    undo: (steps) =>
      alone(async () => {
        if (steps === 0) throw failed('The layer is a document of its own: close it to take it back.');
        if (!(await goBack(steps + SPARE_STEPS))) {
          throw failed(`Press Ctrl+Z (Cmd+Z) ${steps} times in it instead.`);
        }
        before = null;
      }),
    selfTest,
  };
}

const EMPTY = 'This layer is empty: there is nothing in it to enlarge.';

function describe({ id, name, kind, visible, box }: ScriptLayer, document: DocumentMark): LayerInfo {
  // While something is selected Photopea does not tell a layer's box; then the document's stands for it.
  const exact = box ?? [0, 0, document.width, document.height];
  const empty = exact[2] <= exact[0] || exact[3] <= exact[1];
  // A smart object may end within a pixel: the whole pixels that hold it, as `read` returns them.
  const [left, top] = [Math.floor(exact[0]), Math.floor(exact[1])];
  const [right, bottom] = [Math.ceil(exact[2]), Math.ceil(exact[3])];
  const refusal =
    kind === 'adjustment'
      ? 'This is an adjustment layer: it has no pixels of its own. Select the layer that it changes.'
      : empty
        ? EMPTY
        : null;
  return {
    ...{ id, name, kind: empty && kind !== 'adjustment' ? 'empty' : kind, visible, refusal },
    ...{ x: left, y: top, width: right - left, height: bottom - top },
  };
}

/** One line without control characters, of a bearable length. */
const layerName = (name: string) =>
  name
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 120) || 'KernelFusion';

/** Runs what it is given one after another: the steps of two operations must not mix. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(act: () => Promise<T>): Promise<T> => {
    const result = last.then(act, act);
    last = result;
    return result;
  };
}

const noDocument = () =>
  new KernelFusionError('NO_DOCUMENT', 'Photopea has no document open. Open one and select a layer.');
const noLayer = () =>
  new KernelFusionError('NO_SUCH_LAYER', 'That layer is not in the open document any more. Select a layer again.');
const tooLarge = () =>
  new KernelFusionError('LAYER_TOO_LARGE', 'The layer is larger than a browser can hold as one picture. Crop it.');
const changed = (how: string) =>
  new KernelFusionError('DOCUMENT_CHANGED', `${how}. Bring it back as it was, or insert as a new document.`);
const failed = (what: string) => new KernelFusionError('EDITOR_FAILED', `Photopea did not do as asked. ${what}`);
