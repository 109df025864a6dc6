/**
 * All that is outside of the panel, made up: an editor with one layer, and a helper that does what a test tells it to. What the
 * panel did to them is written down in the order in which it happened.
 */
import type { Inserted, Insertion, LayerInfo } from '../../../extension/editors/editor.ts';
import type { ConnectedEditor } from '../../../extension/panel/editor-link.ts';
import type { HelperConnection, JobNews } from '../../../extension/panel/helper-client.ts';
import type { JobRecord } from '../../../extension/panel/records.ts';
import type { PanelState } from '../../../extension/panel/state.ts';
import { openStore, type Store, type World } from '../../../extension/panel/store.ts';
import { type ErrorCode, KernelFusionError } from '../../../shared/errors.ts';
import { bicubicKernel, type Kernel } from '../../../shared/kernel.ts';
import { DEFAULT_OPTIONS } from '../../../shared/options.ts';
import type { JobStatus } from '../../../shared/protocol/fields.ts';
import { colourful } from '../../doubles/photopea/scene.ts';

export const LAYER: LayerInfo = {
  ...{ id: '7', name: 'sprite', kind: 'pixels', visible: true, refusal: null },
  ...{ x: -3, y: 4, width: 20, height: 16 },
};
export const PIXELS = { ...colourful(20, 16), x: -3, y: 4 };
export const KERNEL = bicubicKernel(2);
/** What the helper sends as the result: it need not be a picture of anything. */
export const RESULT = colourful(40, 32, 9).rgba;
export const SECRETS = { token: 'token', helperKey: 'key' };

export const FACTS: NonNullable<JobStatus['result']> = {
  layer: { width: 40, height: 32, channels: 4, depth: 8 },
  ...{ bytes: RESULT.length, kernelSource: 'estimated', confidence: 0.72, notes: [], noise: 0.8, lrConsistency: 46.2 },
  ...{ timings: {}, versions: {}, seed: 1 },
};

export const failed = (code: ErrorCode, sentence = `${code}.`) => new KernelFusionError(code, sentence);

export interface FakeWorld {
  readonly world: World;
  /** What was done to helper and editor, as 'verb id'. */
  readonly deeds: string[];
  readonly stored: Map<string, unknown>;
  readonly records: Map<string, JobRecord>;
  /** What the helper was asked to start, last first. */
  readonly started: { readonly options: typeof DEFAULT_OPTIONS; readonly kernel: Kernel | undefined }[];
  readonly insertions: Insertion[];
  /** Replaced by tests that want something else to happen. */
  readonly helper: {
    connect: World['helper']['connect'];
    knock: World['helper']['knock'];
    pair: World['helper']['pair'];
    upload(): Promise<void>;
    start(): Promise<void>;
    estimate(options: typeof DEFAULT_OPTIONS, kernelSide?: number): ReturnType<HelperConnection['estimate']>;
    resume(id: string): JobStatus;
  };
  readonly editor: {
    layer: LayerInfo | null;
    documentName: string;
    document(): Promise<void>;
    insert(insertion: Insertion, signal?: AbortSignal): Promise<Inserted>;
    undo(): Promise<void>;
  };
  /** Tabs in which an editor was looked for, in that order. */
  readonly tabs: number[];
  /** Id of the tab in front. */
  front: number;
  /** The connection breaks, for this reason. */
  breakConnection(code?: ErrorCode): void;
  /** What is to be kept in full is not from now on. */
  fillDisk(): void;
  /** The helper says something of a job. */
  tell(job: string, news: JobNews): void;
  /** The helper has done a job. */
  tellDone(job: string): void;
}

export const statusOf = (id: string, more: Partial<JobStatus> & Pick<JobStatus, 'state'>): JobStatus => ({
  ...{ id, position: 0, created: 1, options: DEFAULT_OPTIONS },
  layer: { width: 20, height: 16, channels: 4, depth: 8 },
  ...more,
});

export function fakeWorld(settings: Record<string, unknown> = { secrets: SECRETS }): FakeWorld {
  const stored = new Map(Object.entries(settings));
  const records = new Map<string, JobRecord>();
  const deeds: string[] = [];
  const tabs: number[] = [];
  const started: FakeWorld['started'] = [];
  const insertions: Insertion[] = [];
  const watchers = new Map<string, Set<(news: JobNews) => void>>();
  let breakConnection: (code: ErrorCode) => void = () => {};
  let isDiskFull = false;
  let jobs = 0;

  const tell = (job: string, news: JobNews) => {
    for (const listener of watchers.get(job) ?? []) listener(news);
  };

  const helper: FakeWorld['helper'] = {
    async connect() {
      const ended = new Promise<KernelFusionError>((resolve) => {
        breakConnection = (code) => resolve(failed(code));
      });
      const orLost = <T>(work: Promise<T>): Promise<T> =>
        Promise.race([work, ended.then((reason) => Promise.reject(reason))]);
      return {
        ...{ helper: 'kernelfusion 0', ended, close: () => {}, list: async () => [] },
        estimate: (_, ...asked) => helper.estimate(...asked),
        async start(_, options, kernel) {
          await orLost(helper.start());
          started.unshift({ options, kernel });
          jobs += 1;
          deeds.push(`start ${jobs}`);
          return String(jobs);
        },
        async upload(id) {
          deeds.push(`upload ${id}`);
          await orLost(helper.upload());
          return statusOf(id, { state: 'queued' });
        },
        async resume(id) {
          deeds.push(`resume ${id}`);
          tell(id, { of: 'kernel', kernel: KERNEL });
          return helper.resume(id);
        },
        async fetch(id, download) {
          deeds.push(`fetch ${id}`);
          download.bytes.set(RESULT);
        },
        cancel: async (id) => void deeds.push(`cancel ${id}`),
        forget: async (id) => void deeds.push(`forget ${id}`),
        watch(id, listener) {
          const listeners = watchers.get(id) ?? new Set();
          watchers.set(id, listeners.add(listener));
          return () => void listeners.delete(listener);
        },
      };
    },
    knock: async () => {},
    pair: async () => SECRETS,
    upload: async () => {},
    start: async () => {},
    estimate: async ({ scale }) => ({ seconds: 10 * scale, memory: 1e8, refusal: null }) as never,
    resume: (id) => statusOf(id, { state: 'running' }),
  };

  const editor: FakeWorld['editor'] = {
    ...{ layer: LAYER, documentName: 'paper', document: async () => {} },
    insert: async () => ({ layerId: '8', undoSteps: 3 }),
    undo: async () => {},
  };
  const connected: ConnectedEditor = {
    ...{ name: 'minipaint', modes: ['enlarge-document', 'keep-document'] },
    async document() {
      await editor.document();
      return { name: editor.documentName, width: 60, height: 40 };
    },
    layers: async () => (editor.layer ? [editor.layer] : []),
    active: async () => editor.layer,
    thumbnail: async () => PIXELS,
    read: async () => PIXELS,
    async insert(insertion, _, signal) {
      insertions.push(insertion);
      deeds.push('insert');
      return editor.insert(insertion, signal);
    },
    async undo(steps) {
      deeds.push(`undo ${steps}`);
      await editor.undo();
    },
    closed: new Promise(() => {}),
    disconnect: () => {},
  };

  const fake: FakeWorld = {
    ...{ deeds, stored, records, started, insertions, helper, editor, tell, tabs, front: 1 },
    breakConnection: (code = 'CONNECTION_LOST') => breakConnection(code),
    fillDisk() {
      isDiskFull = true;
    },
    tellDone(job) {
      tell(job, { of: 'kernel', kernel: KERNEL });
      tell(job, { of: 'status', status: statusOf(job, { state: 'done', result: FACTS }) });
    },
    world: {
      storage: {
        get: async (keys) =>
          Object.fromEntries(keys.filter((key) => stored.has(key)).map((key) => [key, stored.get(key)])),
        set: async (items) => {
          for (const [key, value] of Object.entries(items)) stored.set(key, value);
        },
      },
      records: {
        put: async (record) => {
          if (isDiskFull) throw failed('STORAGE_FAILED');
          records.set(record.id, structuredClone(record));
        },
        async note(facts) {
          const known = records.get(facts.id);
          if (!known) return;
          const { original, result } = known;
          records.set(facts.id, { ...structuredClone(facts), original, result });
        },
        load: async (id) => records.get(id) ?? null,
        delete: async (id) => void records.delete(id),
        all: async () => [...records.values()].sort((a, b) => b.created - a.created),
      },
      locks: locks(),
      link: {
        async connect(tab) {
          tabs.push(tab);
          return connected;
        },
      },
      helper: {
        connect: (...given) => helper.connect(...given),
        knock: (...given) => helper.knock(...given),
        pair: (...given) => helper.pair(...given),
      },
      tab: async () => fake.front,
      allow: async () => true,
      client: 'test',
    },
  };
  return fake;
}

/** `navigator.locks` for one program. */
function locks(): World['locks'] {
  const held = new Map<string, Promise<unknown>>();
  async function request(name: string, ...rest: unknown[]): Promise<unknown> {
    const act = rest[rest.length - 1] as (lock: object | null) => unknown;
    const { ifAvailable = false } = rest.length > 1 ? (rest[0] as { ifAvailable?: boolean }) : {};
    if (ifAvailable && held.has(name)) return act(null);
    while (held.has(name)) await held.get(name);
    const acting = (async () => act({}))();
    const over = acting.then(
      () => held.delete(name),
      () => held.delete(name),
    );
    held.set(name, over);
    await over;
    return acting;
  }
  return { request: request as World['locks']['request'] };
}

/** A store and how to wait for what it shows. */
export async function opened(fake: FakeWorld): Promise<{ store: Store; until: Until }> {
  const store = await openStore(fake.world);
  const until: Until = (holds) =>
    new Promise((resolve) => {
      const look = () => {
        if (!holds(store.state())) return;
        stop();
        resolve(store.state());
      };
      const stop = store.subscribe(look);
      look();
    });
  return { store, until };
}

/** Resolves once it holds; a test's own time limit ends it. */
export type Until = (holds: (state: PanelState) => boolean) => Promise<PanelState>;
