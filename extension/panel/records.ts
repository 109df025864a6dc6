/**
 * Jobs as the panel remembers them, in IndexedDB: what was read, where it belongs, and what came of it.
 *
 * The one idea: a record is written before the helper is told and updated at every turn, so that closing the panel at any
 * moment loses nothing. Once a result is in here the helper is told to forget its own copy.
 */
import type { Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import type { JobStatus } from '../../shared/protocol/fields.ts';
import type { EditorDocument, Inserted, InsertMode, LayerInfo, LayerPixels } from '../editors/editor.ts';
import type { Picture } from '../editors/picture.ts';

export type ResultFacts = NonNullable<JobStatus['result']>;

export interface JobResult {
  readonly picture: Picture;
  readonly kernel: Kernel;
  readonly facts: ResultFacts;
}

export interface JobRecord {
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
  readonly original: LayerPixels;
  readonly options: UpscaleOptions;
  readonly mode: InsertMode;
  readonly insertWhenDone: boolean;
  /** The kernel to be used, where it is not to be estimated. */
  readonly givenKernel: Kernel | null;
  /** Null while the helper works. */
  readonly result: JobResult | null;
  readonly inserted: Inserted | null;
}

export interface Records {
  put(record: JobRecord): Promise<void>;
  delete(id: string): Promise<void>;
  /** Newest first. */
  all(): Promise<JobRecord[]>;
}

/** Finished jobs that are kept, and the bytes of pixels they may take together. */
const MOST_FINISHED = 12;
const MOST_BYTES = 2 ** 29;

/** Ids of the finished jobs to let go: the oldest, but never the newest. @param records newest first */
export function surplus(records: readonly JobRecord[]): string[] {
  let bytes = 0;
  return records
    .filter(({ result }) => result !== null)
    .filter(({ original, result }, index) => {
      bytes += original.rgba.length + (result?.picture.rgba.length ?? 0);
      return index > 0 && (index >= MOST_FINISHED || bytes > MOST_BYTES);
    })
    .map(({ id }) => id);
}

const STORE = 'jobs';

export async function openRecords(factory: IDBFactory = indexedDB): Promise<Records> {
  const request = factory.open('kernelfusion', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
  const database = await settled(request);
  const store = (mode: IDBTransactionMode) => database.transaction(STORE, mode).objectStore(STORE);
  return {
    put: async (record) => void (await settled(store('readwrite').put(record))),
    delete: async (id) => void (await settled(store('readwrite').delete(id))),
    all: async () => {
      const records: JobRecord[] = await settled(store('readonly').getAll());
      return records.sort((a, b) => b.created - a.created);
    },
  };
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
