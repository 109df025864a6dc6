/**
 * Jobs as the panel remembers them, in IndexedDB: what was read, where it belongs, and what came of it.
 *
 * The one idea: a record is written before the helper is told and updated at every turn, so that closing the panel at any
 * moment loses nothing. Once a result is in here the helper is told to forget its own copy. Pixels lie apart from the rest, in
 * pieces: a list of jobs reads none of them, and Firefox keeps no value of 255 MiB, which a large result has.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import type { JobStatus } from '../../shared/protocol/fields.ts';
import type { EditorDocument, Inserted, InsertMode, LayerInfo, LayerPixels } from '../editors/editor.ts';
import type { Picture } from '../editors/picture.ts';

export type ResultFacts = NonNullable<JobStatus['result']>;

interface Job<Original, Enlarged> {
  /** The helper's id of the job. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Whether the helper has all of the layer. */
  readonly isUploaded: boolean;
  /** The editor's name. */
  readonly editor: string;
  readonly document: EditorDocument;
  readonly layer: LayerInfo;
  readonly original: Original;
  readonly options: UpscaleOptions;
  readonly mode: InsertMode;
  readonly insertWhenDone: boolean;
  /** The kernel to be used, where it is not to be estimated. */
  readonly givenKernel: Kernel | null;
  /** Null while the helper works. */
  readonly result: { readonly picture: Enlarged; readonly kernel: Kernel; readonly facts: ResultFacts } | null;
  readonly inserted: Inserted | null;
}

export type JobRecord = Job<LayerPixels, Picture>;
/** The same without pixels. */
export type JobFacts = Job<Omit<LayerPixels, 'rgba'>, Omit<Picture, 'rgba'>>;

/** Every method throws `STORAGE_FAILED` where the browser does not do it; what was kept before is then there still. */
export interface Records {
  /** Keeps all of a job. */
  put(record: JobRecord): Promise<void>;
  /** Keeps what is new of a job, all but pixels; of one that is not kept (any more), nothing. */
  note(facts: JobFacts): Promise<void>;
  /** Null where it is not kept (any more). */
  load(id: string): Promise<JobRecord | null>;
  delete(id: string): Promise<void>;
  /** Newest first. */
  all(): Promise<JobFacts[]>;
}

/** Finished jobs that are kept, and the bytes of pixels they may take together. */
const MOST_FINISHED = 12;
const MOST_BYTES = 2 ** 29;

/** Ids of the finished jobs to let go: the oldest, but never the newest. @param records newest first */
export function surplus(records: readonly JobFacts[]): string[] {
  let bytes = 0;
  return records
    .filter(({ result }) => result !== null)
    .filter(({ original, result }, index) => {
      bytes += bytesOf(original) + (result ? bytesOf(result.picture) : 0);
      return index > 0 && (index >= MOST_FINISHED || bytes > MOST_BYTES);
    })
    .map(({ id }) => id);
}

const bytesOf = ({ width, height }: { readonly width: number; readonly height: number }) => 4 * width * height;

const FACTS = 'facts';
const PIXELS = 'pixels';
/** Bytes of a piece. */
const PIECE = 2 ** 26;

/** Throws `STORAGE_FAILED`. */
export async function openRecords(factory: IDBFactory = indexedDB): Promise<Records> {
  const database = await orStorageFailed(async () => {
    const request = factory.open('kernelfusion', 2);
    request.onupgradeneeded = () => {
      for (const name of [...request.result.objectStoreNames]) request.result.deleteObjectStore(name);
      request.result.createObjectStore(FACTS, { keyPath: 'id' });
      request.result.createObjectStore(PIXELS);
    };
    return settled(request);
  });
  /** All of `work` is done, or nothing of it. */
  const change = (work: (facts: IDBObjectStore, pixels: IDBObjectStore) => void) =>
    orStorageFailed(async () => {
      const transaction = database.transaction([FACTS, PIXELS], 'readwrite');
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      try {
        work(transaction.objectStore(FACTS), transaction.objectStore(PIXELS));
      } catch (error) {
        done.catch(() => {}); // That it was given up is no news.
        transaction.abort();
        throw error;
      }
      await done;
    });
  const look = <T>(store: string, ask: (store: IDBObjectStore) => IDBRequest<T>) =>
    orStorageFailed(() => settled(ask(database.transaction(store).objectStore(store))));
  const pixelsOf = async (id: string, of: PixelsOf, size: { readonly width: number; readonly height: number }) => {
    const rgba = new Uint8ClampedArray(bytesOf(size));
    const pieces: Uint8ClampedArray[] = await look(PIXELS, (pixels) => pixels.getAll(piecesOf(id, of)));
    if (pieces.length !== Math.ceil(rgba.length / PIECE)) throw storageFailed(`${pieces.length} pieces of ${of}`);
    for (const [at, piece] of pieces.entries()) rgba.set(piece, at * PIECE);
    return rgba;
  };

  return {
    put: (record) =>
      change((facts, pixels) => {
        const putPixels = (of: PixelsOf, rgba: Uint8ClampedArray) => {
          for (let at = 0; at * PIECE < rgba.length; at++) {
            // A copy, for of a view the browser would keep the whole.
            pixels.put(rgba.slice(at * PIECE, (at + 1) * PIECE), [record.id, of, at]);
          }
        };
        facts.put(factsOf(record));
        putPixels('original', record.original.rgba);
        if (record.result) putPixels('result', record.result.picture.rgba);
      }),
    note: (facts) =>
      change((store) => {
        const known = store.getKey(facts.id);
        known.onsuccess = () => {
          if (known.result !== undefined) store.put(factsOf(facts));
        };
      }),
    async load(id) {
      const facts: JobFacts | undefined = await look(FACTS, (store) => store.get(id));
      if (!facts) return null;
      const { original, result } = facts;
      return {
        ...facts,
        original: { ...original, rgba: await pixelsOf(id, 'original', original) },
        result: result && {
          ...result,
          picture: { ...result.picture, rgba: await pixelsOf(id, 'result', result.picture) },
        },
      };
    },
    delete: (id) =>
      change((facts, pixels) => {
        facts.delete(id);
        pixels.delete(piecesOf(id));
      }),
    all: async () => {
      const facts: JobFacts[] = await look(FACTS, (store) => store.getAll());
      return facts.sort((a, b) => b.created - a.created);
    },
  };
}

type PixelsOf = 'original' | 'result';

/** An array is greater than all strings and numbers, and one is greater than what it begins with. */
const piecesOf = (...key: [id: string, of?: PixelsOf]) => IDBKeyRange.bound(key, [...key, []]);

/** Without the pixels that a record has. */
function factsOf({ original, result, ...facts }: JobFacts): JobFacts {
  const { x, y, width, height } = original;
  const sizeOf = ({ width, height }: Omit<Picture, 'rgba'>) => ({ width, height });
  return {
    ...facts,
    original: { x, y, width, height },
    result: result && { ...result, picture: sizeOf(result.picture) },
  };
}

async function orStorageFailed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storageFailed(cause);
  }
}

const storageFailed = (cause: unknown) =>
  new KernelFusionError(
    'STORAGE_FAILED',
    'The browser does not keep pictures for KernelFusion, or has lost one: its disk space may be used up. Free some, or leave private browsing.',
    { cause },
  );

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
