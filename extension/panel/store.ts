/**
 * What the panel does: keeps connected with helper and editor, and brings a job from the layer to the new layer.
 *
 * The one idea: a job is a record (records.ts) that moves on; every step of its way can be taken up again from the record alone,
 * by this panel or by one that is opened later. The state is a value that is replaced; components only draw it.
 */
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { DEFAULT_OPTIONS, type UpscaleOptions } from '../../shared/options.ts';
import type { JobStatus } from '../../shared/protocol/fields.ts';
import type { PreviewPicture } from '../../shared/protocol/frames.ts';
import { LEAST_SIDE } from '../../shared/protocol/limits.ts';
import type { InsertMode, LayerInfo } from '../editors/editor.ts';
import type { ConnectedEditor, EditorLink } from './editor-link.ts';
import type {
  connectHelper,
  HelperConnection,
  JobProgress,
  knock,
  LayerShape,
  pairWithHelper,
} from './helper-client.ts';
import { type JobFacts, type JobRecord, type Records, surplus } from './records.ts';
import { loadSettings, type Settings, type Storage, type StoredKernel, saveSettings } from './settings.ts';
import {
  type EditorState,
  type Failure,
  type FinishedFacts,
  type FinishedRecord,
  isBusy,
  type PanelActions,
  type PanelState,
  type Trouble,
} from './state.ts';
import { STRINGS } from './strings.ts';
import { untilCancelled } from './until-cancelled.ts';

/** Everything outside of the panel, so that tests can put something else there. */
export interface World {
  readonly storage: Storage;
  readonly records: Records;
  /** Held by the panel that is at a job: the browser lets go when that panel is closed. `navigator.locks`. */
  readonly locks: Pick<LockManager, 'request'>;
  readonly link: EditorLink;
  readonly helper: {
    readonly connect: typeof connectHelper;
    readonly knock: typeof knock;
    readonly pair: typeof pairWithHelper;
  };
  /** Id of the tab the panel works with. */
  tab(): Promise<number>;
  /** Asks the person for the permission to work on a site. */
  allow(origin: string): Promise<boolean>;
  /** Name and version of this program. */
  readonly client: string;
}

export interface Store {
  state(): PanelState;
  /** Calls `listener` after every change, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  readonly actions: PanelActions;
  /** The browser lets us into this tab from now on. */
  clickedIn(tab: number): void;
}

/** The job of this panel: its id once it has one, and how to stop it. */
interface JobUnderWay {
  readonly stop: AbortController;
  id: string | null;
}

const THUMBNAIL = 96;
/** Milliseconds between tries to find the helper. */
const RETRY = 1500;

export async function openStore(world: World): Promise<Store> {
  let settings = await loadSettings(world.storage);
  const finished = async (): Promise<FinishedFacts[]> => (await world.records.all()).filter(isFinished);
  let state: PanelState = {
    helper: { is: 'connecting' },
    editor: { is: 'connecting' },
    settings,
    kernel: settings.kernel && chosen(settings.kernel),
    estimate: { is: 'none' },
    work: { is: 'idle' },
    history: await finished(),
    selfTest: null,
  };
  const listeners = new Set<() => void>();
  let connection: HelperConnection | null = null;
  let editor: ConnectedEditor | null = null;
  let tab: number | null = null;
  let job: JobUnderWay | null = null;
  /** The job whose result is shown and could not be kept here: the helper still has it, until it is in the document. */
  let unkept: { readonly id: string; readonly trouble: Trouble } | null = null;
  let wasClicked = false;

  const set = (change: Partial<PanelState>) => {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  };
  const remember = (change: Partial<Settings>) => {
    settings = { ...settings, ...change };
    set({ settings });
    void saveSettings(world.storage, change);
  };

  // The helper.

  let wakeHelper = () => {};
  /** Resolves after the pause, or when somebody does not want to wait. */
  const pause = (milliseconds: number | null) =>
    new Promise<void>((resolve) => {
      const timer = milliseconds === null ? undefined : setTimeout(resolve, milliseconds);
      wakeHelper = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function keepConnected(): Promise<never> {
    for (;;) {
      try {
        if (settings.secrets) {
          const { secrets, port } = settings;
          const helper = await world.helper.connect({ port }, secrets, world.client);
          connection = helper;
          set({ helper: { is: 'ready', name: helper.helper } });
          void whenConnected(helper);
          const reason = await helper.ended;
          connection = null;
          set({ estimate: { is: 'none' } });
          if (reason.code !== 'CONNECTION_LOST') throw reason;
          set({ helper: { is: 'connecting' } });
          continue;
        }
        await world.helper.knock({ port: settings.port });
        set({ helper: { is: 'unpaired', isPairing: false, failure: null } });
        await pause(null);
      } catch (error) {
        await pause(afterFailure(failureOf(error)));
      }
    }
  }

  /** Shows why there is no connection. Returns the milliseconds to wait before it is tried again, null where that is no use. */
  function afterFailure(failure: Failure): number | null {
    switch (failure.code) {
      case 'HELPER_NOT_RUNNING':
        set({ helper: { is: 'absent' } });
        return RETRY;
      case 'CONNECTION_LOST':
        set({ helper: { is: 'connecting' } });
        return RETRY;
      case 'NOT_PAIRED':
        remember({ secrets: null });
        set({ helper: { is: 'unpaired', isPairing: false, failure } });
        return null;
      case 'NOT_THE_HELPER':
        remember({ secrets: null });
        set({ helper: { is: 'refused', failure } });
        return null;
      default:
        set({ helper: { is: 'refused', failure } });
        return null;
    }
  }

  async function whenConnected(helper: HelperConnection): Promise<void> {
    for (const tell of waitingForHelper) tell();
    waitingForHelper.clear();
    void estimate();
    for (const id of settings.unwanted) {
      if (await drop(helper, id)) remember({ unwanted: settings.unwanted.filter((other) => other !== id) });
    }
    await resumeJob();
  }

  const waitingForHelper = new Set<() => void>();
  /** The helper, once it is there (again). Throws `CANCELLED`. */
  async function helperAgain(signal: AbortSignal): Promise<HelperConnection> {
    while (!connection) {
      throwIfCancelled(signal);
      set({ work: { is: 'away' } });
      await new Promise<void>((resolve) => {
        waitingForHelper.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return connection;
  }

  /** Whether the connection still stands. */
  const isThere = (helper: HelperConnection): Promise<boolean> =>
    Promise.race([helper.ended.then(() => false), new Promise<boolean>((resolve) => setTimeout(resolve, 0, true))]);

  /** Ends a job at the helper and has its files deleted there. Returns false where the helper went away before. */
  async function drop(helper: HelperConnection, id: string): Promise<boolean> {
    try {
      await helper.cancel(id);
      await helper.forget(id);
    } catch {
      // The job is gone already, or the helper is.
    }
    return isThere(helper);
  }

  /** Nothing of the job stays, here or there. */
  async function discard(id: string): Promise<void> {
    await world.records.delete(id).catch(failureOf);
    if (!connection || !(await drop(connection, id))) remember({ unwanted: [...settings.unwanted, id] });
  }

  // The editor.

  let connecting: AbortController | null = null;
  let editorAsked: Promise<void> = Promise.resolve();
  let isLooking = false;

  const connectEditor = (): Promise<void> => {
    editorAsked = lookForEditor();
    return editorAsked;
  };

  /** Looks for it in the tab that is in front now. */
  const connectFront = () => {
    tab = null;
    return connectEditor();
  };

  async function lookForEditor(): Promise<void> {
    connecting?.abort();
    wasClicked = false;
    const mine = new AbortController();
    connecting = mine;
    if (state.editor.is !== 'ready') set({ editor: { is: 'connecting' } });
    editor?.disconnect();
    editor = null;
    try {
      tab ??= await world.tab();
      const linked = await world.link.connect(tab, mine.signal);
      editor = linked;
      void linked.closed.then(() => {
        if (editor !== linked) return;
        editor = null;
        set({ editor: { is: 'none', failure: failureOf(pageClosed()) } });
      });
      await refresh();
    } catch (error) {
      if (!mine.signal.aborted) set({ editor: { is: 'none', failure: failureOf(error) } });
    }
  }

  /** Asks for document, active layer and its thumbnail. */
  async function refresh(): Promise<void> {
    if (!editor) return;
    const asked = editor;
    const { name, modes } = asked;
    const [document, layer] = [await asked.document(), await asked.active()];
    const shown = state.editor.is === 'ready' ? state.editor : null;
    const isSame = shown?.layer?.id === layer?.id && shown?.document.name === document.name;
    const ready = (thumbnail: (EditorState & { is: 'ready' })['thumbnail']): EditorState => ({
      is: 'ready',
      ...{ name, modes, document, layer, thumbnail, hasSelfTest: asked.selfTest !== undefined },
    });
    if (editor !== asked) return;
    set({ editor: ready(isSame ? (shown?.thumbnail ?? null) : null) });
    void estimate();
    if (layer && layer.refusal === null) {
      const thumbnail = await asked.thumbnail(layer.id, THUMBNAIL).catch(() => null);
      if (editor === asked && state.editor.is === 'ready' && state.editor.layer?.id === layer.id) {
        set({ editor: ready(thumbnail) });
      }
    }
  }

  const optionsNow = (): UpscaleOptions => ({ ...DEFAULT_OPTIONS, scale: settings.scale, preset: settings.preset });
  let asked = '';

  async function estimate(): Promise<void> {
    const { editor } = state;
    const layer = editor.is === 'ready' ? editor.layer : null;
    if (!connection || !layer || layer.refusal !== null || Math.min(layer.width, layer.height) < LEAST_SIDE) {
      asked = '';
      return set({ estimate: { is: 'none' } });
    }
    const shape = shapeOf(layer);
    const [options, kernelSide] = [optionsNow(), state.kernel?.kernel.size];
    const question = JSON.stringify([shape, options, kernelSide]);
    if (question !== asked) set({ estimate: { is: 'asking' } });
    asked = question;
    try {
      const estimate = await connection.estimate(shape, options, kernelSide);
      if (asked === question) set({ estimate: { is: 'known', estimate } });
    } catch (error) {
      if (asked === question) set({ estimate: { is: 'failed', failure: failureOf(error) } });
    }
  }

  // The job.

  /** Runs one job's steps, and shows how they end. */
  async function run(steps: (mine: JobUnderWay) => Promise<void>): Promise<void> {
    const mine = { stop: new AbortController(), id: null };
    job = mine;
    try {
      await steps(mine);
    } catch (error) {
      await ended(mine, failureOf(error));
    } finally {
      // What shows its end may have been pressed already.
      if (job === mine) job = null;
      if (wasClicked && !job) void connectEditor();
    }
  }

  async function ended({ id, stop }: JobUnderWay, failure: Failure): Promise<void> {
    if (id !== null) await discard(id);
    set({ work: stop.signal.aborted ? { is: 'idle' } : { is: 'failed', failure } });
    void estimate();
  }

  async function readLayer(signal: AbortSignal): Promise<Omit<JobRecord, 'id'>> {
    set({ work: { is: 'reading', share: 0 } });
    if (!editor) throw pageClosed();
    const document = await untilCancelled(editor.document(), signal);
    const layer = await untilCancelled(editor.active(), signal);
    if (!layer) throw new KernelFusionError('NO_SUCH_LAYER', STRINGS.editor.noLayer);
    if (layer.refusal !== null) throw new KernelFusionError('LAYER_REFUSED', layer.refusal);
    const original = await editor.read(layer.id, (share) => set({ work: { is: 'reading', share } }), signal);
    return {
      ...{ created: Date.now(), isUploaded: false, editor: editor.name, document, layer, original },
      ...{ options: optionsNow(), mode: modeFor(editor), insertWhenDone: settings.insertWhenDone },
      ...{ givenKernel: state.kernel?.kernel ?? null, result: null, inserted: null },
    };
  }

  function modeFor({ name, modes }: Pick<ConnectedEditor, 'name' | 'modes'>): InsertMode {
    const wanted = settings.modes[name];
    return wanted && modes.includes(wanted) ? wanted : modes[0];
  }

  /** From the pixels to the result. @param instead id of a record that this one replaces */
  async function begin(read: Omit<JobRecord, 'id'>, mine: JobUnderWay, instead?: string): Promise<void> {
    const { helper, id } = await start(read, mine.stop.signal);
    mine.id = id;
    await world.locks.request(lockOf(id), async () => {
      try {
        await world.records.put({ ...read, id });
      } finally {
        // Also where there was no room for both: it would be taken up, and fail, again and again.
        if (instead !== undefined) await world.records.delete(instead);
      }
      await keepAt(id, mine, helper, () => send(helper, { ...read, id }, mine));
    });
  }

  /** Opens a job at the helper, as soon as that is there. */
  async function start(
    { original, options, givenKernel }: Omit<JobRecord, 'id'>,
    signal: AbortSignal,
  ): Promise<{ helper: HelperConnection; id: string }> {
    for (;;) {
      const helper = await helperAgain(signal);
      set({ work: { is: 'uploading', share: 0 } });
      try {
        return { helper, id: await helper.start(shapeOf(original), options, givenKernel ?? undefined) };
      } catch (error) {
        if (await isThere(helper)) throw error;
        set({ work: { is: 'away' } });
      }
    }
  }

  async function send(helper: HelperConnection, record: JobRecord, mine: JobUnderWay): Promise<void> {
    const { signal } = mine.stop;
    throwIfCancelled(signal);
    const following = follow(helper, record.id, signal);
    const onShare = (share: number) => set({ work: { is: 'uploading', share } });
    await helper.upload(record.id, record.original.rgba, onShare, signal);
    const uploaded = { ...record, isUploaded: true };
    await world.records.note(uploaded);
    await finish(helper, uploaded, await following.done, mine);
  }

  /**
   * Tries until it is done, failed or cancelled. A connection's end, whatever its reason, is no end of the job, for the helper
   * goes on by itself.
   */
  async function keepAt(
    id: string,
    mine: JobUnderWay,
    helper: HelperConnection,
    attempt: (helper: HelperConnection) => Promise<void>,
  ): Promise<void> {
    const { signal } = mine.stop;
    try {
      return await attempt(helper);
    } catch (error) {
      // Where another job has taken this one's place, that one was kept at.
      if (signal.aborted || mine.id !== id || (await isThere(helper))) throw error;
    }
    set({ work: { is: 'away' } });
    return keepAt(id, mine, await helperAgain(signal), (back) => takeUp(id, mine, back));
  }

  /** From what is remembered of a job to its result. */
  async function takeUp(id: string, mine: JobUnderWay, helper: HelperConnection): Promise<void> {
    const { signal } = mine.stop;
    set({ work: { is: 'queued', position: 0, shortage: null } });
    const record = await world.records.load(id);
    // Another panel has brought it to its end.
    if (!record || record.result !== null) return set({ work: { is: 'idle' }, history: await finished() });
    if (!record.isUploaded) {
      // What the helper has of it ended with the connection: the pixels are here, so they are sent anew.
      await drop(helper, id);
      const { id: _, ...read } = record;
      return begin(read, mine, id);
    }
    const following = follow(helper, id, signal);
    following.hear(await helper.resume(id));
    await finish(helper, record, await following.done, mine);
  }

  /** Takes up the newest job that is not finished and that no other panel is at. */
  async function resumeJob(): Promise<void> {
    for (const { id, result } of await world.records.all()) {
      if (result !== null || id === unkept?.id) continue;
      const isOurs = await world.locks.request(lockOf(id), { ifAvailable: true }, async (lock) => {
        if (!lock || !connection || job !== null) return lock !== null;
        const helper = connection;
        await run(async (mine) => {
          mine.id = id;
          await keepAt(id, mine, helper, () => takeUp(id, mine, helper));
        });
        return true;
      });
      if (isOurs) return;
      void whenLeft(id);
    }
  }

  const othersJobs = new Set<string>();
  /** Waits until another panel leaves its job: finished, or because it was closed. Then the job is ours. */
  async function whenLeft(id: string): Promise<void> {
    if (othersJobs.has(id)) return;
    othersJobs.add(id);
    await world.locks.request(lockOf(id), () => {});
    othersJobs.delete(id);
    set({ history: await finished() });
    await resumeJob();
  }

  /** Shows a job's news until it is done; then resolves to its kernel and what there is to know. */
  function follow(helper: HelperConnection, id: string, signal: AbortSignal) {
    let progress: JobProgress | null = null;
    let kernel: Kernel | null = null;
    let preview: PreviewPicture | null = null;
    let hear: (status: JobStatus) => void = () => {};
    let unwatch = () => {};
    const done = new Promise<{ facts: NonNullable<JobStatus['result']>; kernel: Kernel }>((resolve, reject) => {
      const stop = () => reject(new KernelFusionError('CANCELLED', 'Cancelled.'));
      signal.addEventListener('abort', stop, { once: true });
      void helper.ended.then(reject);
      const show = () => set({ work: { is: 'running', progress, kernel, preview } });
      hear = (status) => {
        if (signal.aborted) return;
        switch (status.state) {
          case 'uploading':
            return;
          case 'queued':
            return set({
              work: { is: 'queued', position: status.position, shortage: (status.shortage ?? null) as Failure | null },
            });
          case 'running':
            progress = status.progress ?? progress;
            return show();
          case 'done':
            if (status.result && kernel) return resolve({ facts: status.result, kernel });
            return reject(new KernelFusionError('BAD_MESSAGE', 'The helper sent no result.'));
          case 'failed':
            return reject(toError(status.error as Failure));
          case 'cancelled':
            return reject(new KernelFusionError('CANCELLED', 'The job was cancelled elsewhere.'));
        }
      };
      unwatch = helper.watch(id, (news) => {
        if (signal.aborted) return;
        switch (news.of) {
          case 'status':
            return hear(news.status);
          case 'progress':
            progress = news.progress;
            return show();
          case 'kernel':
            kernel = news.kernel;
            if (state.work.is === 'running') show();
            return;
          case 'preview':
            preview = news.preview;
            if (state.work.is === 'running') show();
            return;
          case 'gone':
            return reject(new KernelFusionError('NO_SUCH_JOB', 'The helper has deleted this job. Start it once more.'));
        }
      });
    });
    done.catch(() => {}).finally(() => unwatch()); // Until it is waited for, what is sent may fail first.
    return { done, hear: (status: JobStatus) => hear(status) };
  }

  /** From a job that is done to a result that is kept here, and into the document. */
  async function finish(
    helper: HelperConnection,
    record: JobRecord,
    { facts, kernel }: { facts: NonNullable<JobStatus['result']>; kernel: Kernel },
    mine: JobUnderWay,
  ): Promise<void> {
    const { signal } = mine.stop;
    set({ work: { is: 'fetching', share: 0 } });
    const { width, height } = facts.layer;
    const bytes = new Uint8Array(4 * width * height);
    await helper.fetch(record.id, { bytes, arrived: 0 }, (share) => set({ work: { is: 'fetching', share } }));
    throwIfCancelled(signal);
    const picture = { width, height, rgba: new Uint8ClampedArray(bytes.buffer) };
    const whole: FinishedRecord = { ...record, result: { picture, kernel, facts } };
    // Whatever happens from here on, nobody but the person throws the result away.
    mine.id = null;
    const trouble = await keeping(async () => {
      await world.records.put(whole);
      for (const id of surplus(await world.records.all())) await world.records.delete(id);
    });
    if (trouble) unkept = { id: record.id, trouble };
    else await helper.forget(record.id).catch(() => {});
    await showDone(whole, false, trouble);
    if (record.insertWhenDone) await insert(whole, signal);
    void estimate();
  }

  async function keeping(work: () => Promise<void>): Promise<Trouble | null> {
    try {
      await work();
      return null;
    } catch (error) {
      return { with: 'keeping', ...failureOf(error) };
    }
  }

  async function showDone(record: FinishedRecord, canUndo: boolean, trouble: Trouble | null): Promise<void> {
    const history = await finished().catch(() => state.history);
    set({ history, work: { is: 'done', record, canUndo, trouble } });
  }

  /** The person turns from a result that could not be kept to something else. */
  function letGo(): void {
    if (unkept) void discard(unkept.id);
    unkept = null;
  }

  async function insert(record: FinishedRecord, signal: AbortSignal): Promise<void> {
    set({ work: { is: 'inserting', share: 0, record } });
    try {
      const target = await untilCancelled(documentOf(record), signal);
      const { layer, original, options, mode, result } = record;
      const { scale } = options;
      const inserted = await target.insert(
        {
          ...{ name: `${layer.name} ${STRINGS.options.times(scale)}`, above: layer.id, scale, mode },
          ...{ x: original.x * scale, y: original.y * scale, ...result.picture },
        },
        (share) => set({ work: { is: 'inserting', share, record } }),
        signal,
      );
      await update({ ...record, inserted }, true);
    } catch (error) {
      const trouble: Trouble | null = signal.aborted ? null : { with: 'inserting', ...failureOf(error) };
      set({ work: { is: 'done', record, canUndo: false, trouble } });
    }
    // Not waited for: what can be pressed now has to work at once.
    refresh().catch(() => {});
  }

  async function update(record: FinishedRecord, canUndo: boolean): Promise<void> {
    const isUnkept = unkept?.id === record.id;
    // Found again by another panel it would be inserted once more.
    if (isUnkept && record.inserted) void discard(record.id);
    const trouble = isUnkept ? unkept!.trouble : await keeping(() => world.records.note(record));
    await showDone(record, canUndo, trouble);
  }

  /** The editor, if it still shows the document that the layer was read from: ids of layers are good in one document only. */
  async function documentOf({ editor: name, document, layer }: JobRecord): Promise<ConnectedEditor> {
    // A panel that was just opened may find its job done before it has found the editor.
    await editorAsked;
    // A page that was reloaded in the meantime is looked for once more.
    if (!editor) await connectEditor();
    if (!editor) throw pageClosed();
    const now = await editor.document();
    const isSame = editor.name === name && now.width === document.width && now.height === document.height;
    // Where documents are all called alike and count their layers from one, a layer's name tells more than its id.
    const isTheLayer = (other: LayerInfo) => other.id === layer.id && other.name === layer.name;
    const hasLayer = isSame && now.name === document.name && (await editor.layers()).some(isTheLayer);
    if (hasLayer) return editor;
    throw new KernelFusionError(
      'DOCUMENT_CHANGED',
      `This picture belongs to the layer "${layer.name}" of "${document.name}" (${STRINGS.size(document.width, document.height)}). Bring it back as it was, then insert.`,
    );
  }

  async function undo(record: FinishedRecord): Promise<void> {
    if (!editor || !record.inserted) return;
    set({ work: { is: 'done', record, canUndo: false, trouble: null } }); // Once is enough.
    try {
      await editor.undo(record.inserted.undoSteps);
      await update({ ...record, inserted: null }, false);
      await refresh();
    } catch (error) {
      set({ work: { is: 'done', record, canUndo: false, trouble: { with: 'undoing', ...failureOf(error) } } });
    }
  }

  const actions: PanelActions = {
    setPort(port) {
      remember({ port });
      set({ helper: { is: 'connecting' } });
      wakeHelper();
    },
    pair(code) {
      set({ helper: { is: 'unpaired', isPairing: true, failure: null } });
      world.helper.pair({ port: settings.port }, code).then(
        (secrets) => {
          remember({ secrets });
          set({ helper: { is: 'connecting' } });
          wakeHelper();
        },
        (error) => {
          const failure = failureOf(error);
          set({ helper: { is: 'unpaired', isPairing: false, failure } });
          if (failure.code === 'HELPER_NOT_RUNNING') wakeHelper();
        },
      );
    },
    reconnect() {
      if (!connection) {
        set({ helper: { is: 'connecting' } });
        wakeHelper();
      }
      if (!editor) void connectFront();
    },
    allow(origin) {
      void world.allow(origin).then((allowed) => {
        if (allowed) void connectFront();
      });
    },
    refresh() {
      if (!editor || isLooking) return;
      isLooking = true;
      refresh()
        .catch((error) => set({ editor: { is: 'none', failure: failureOf(error) } }))
        .finally(() => {
          isLooking = false;
        });
    },
    setScale(scale) {
      remember({ scale });
      void estimate();
    },
    setPreset(preset) {
      remember({ preset });
      void estimate();
    },
    setInsertWhenDone: (insertWhenDone) => remember({ insertWhenDone }),
    setMode(mode) {
      if (editor) remember({ modes: { ...settings.modes, [editor.name]: mode } });
    },
    setKernel(kernel) {
      set({ kernel });
      remember(kernel ? { kernel: stored(kernel), scale: kernel.kernel.scale } : { kernel: null });
      void estimate();
    },
    upscale() {
      if (!isBusy(state.work)) void run(async (mine) => begin(await readLayer(mine.stop.signal), mine));
    },
    cancel() {
      if (!job) return;
      if (state.work.is !== 'inserting') set({ work: { is: 'cancelling' } });
      job.stop.abort();
    },
    insert() {
      const { work } = state;
      if (work.is === 'done')
        void run(({ stop }) => insert({ ...work.record, mode: modeNow(work.record) }, stop.signal));
    },
    undo() {
      if (state.work.is === 'done' && state.work.canUndo) void undo(state.work.record);
    },
    close() {
      if (!isBusy(state.work)) set({ work: { is: 'idle' } });
      letGo();
      actions.refresh();
      void resumeJob();
    },
    show(id) {
      void (async () => {
        const record = await world.records.load(id);
        if (!record || !isFinished(record) || isBusy(state.work)) return;
        letGo();
        set({ work: { is: 'done', record, canUndo: false, trouble: null } });
      })().catch(failWork);
    },
    remove(id) {
      void (async () => {
        await world.records.delete(id);
        const shown = state.work.is === 'done' && state.work.record.id === id;
        set({ history: await finished(), ...(shown && { work: { is: 'idle' } }) });
      })().catch(failWork);
    },
    runSelfTest() {
      void (async () => {
        set({ selfTest: [] });
        try {
          for await (const step of editor?.selfTest?.() ?? []) set({ selfTest: [...(state.selfTest ?? []), step] });
        } catch (error) {
          const { code, sentence } = failureOf(error);
          set({ selfTest: [...(state.selfTest ?? []), { step: code, ok: false, detail: sentence }] });
        }
      })();
    },
  };

  const failWork = (error: unknown) => {
    if (!isBusy(state.work)) set({ work: { is: 'failed', failure: failureOf(error) } });
  };

  /** The mode chosen now, for an insertion by hand. */
  const modeNow = (record: JobRecord) => (editor && editor.name === record.editor ? modeFor(editor) : record.mode);

  void keepConnected();
  void connectEditor();
  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    actions,
    clickedIn(clicked) {
      tab = clicked;
      wasClicked = true;
      if (!job) void connectEditor();
    },
  };
}

type ChosenKernel = NonNullable<PanelState['kernel']>;
const stored = ({ kernel, ...about }: ChosenKernel): StoredKernel => ({ ...kernel, data: [...kernel.data], ...about });
const chosen = ({ size, scale, data, ...about }: StoredKernel): ChosenKernel => ({
  kernel: { size, scale, data: Float64Array.from(data) },
  ...about,
});

const lockOf = (id: string) => `kernelfusion job ${id}`;

const isFinished = <Record extends JobFacts>(
  record: Record,
): record is Record & { readonly result: NonNullable<Record['result']> } => record.result !== null;

const shapeOf = ({ width, height }: { readonly width: number; readonly height: number }): LayerShape => ({
  ...{ width, height },
  channels: 4,
  depth: 8,
});

const pageClosed = () =>
  new KernelFusionError('PAGE_CLOSED', 'The editor was closed or reloaded. Open it again, then try once more.');
const toError = ({ code, sentence }: Failure) => new KernelFusionError(code, sentence);

/** What a person is told of an error. One that is not meant for them is a mistake of ours: it is logged. */
export function failureOf(error: unknown): Failure {
  if (error instanceof KernelFusionError) return { code: error.code, sentence: error.message };
  console.error(error);
  return {
    code: 'INTERNAL',
    sentence: 'Something went wrong within the panel. Close it, open it again, and try once more.',
  };
}
