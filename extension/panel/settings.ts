/**
 * What the panel remembers between its openings, in the extension's own storage, which no web page can read: the pairing, the
 * port and the options last used. Pictures are kept elsewhere: records.ts.
 */

import type { Scale } from '../../shared/kernel.ts';
import { DEFAULT_OPTIONS, PRESETS, type Preset } from '../../shared/options.ts';
import { DEFAULT_PORT } from '../../shared/protocol/address.ts';
import type { InsertMode } from '../editors/editor.ts';
import type { Secrets } from './helper-client.ts';

/** A kernel, its values as a list (what is stored comes back without its typed arrays); where it comes from, and notes on it. */
export interface StoredKernel {
  readonly size: number;
  readonly scale: Scale;
  readonly data: readonly number[];
  readonly name: string;
  readonly notes: readonly string[];
}

export interface Settings {
  readonly port: number;
  readonly secrets: Secrets | null;
  readonly scale: Scale;
  readonly preset: Preset;
  /** The kernel that is to be used; null: it is estimated. */
  readonly kernel: StoredKernel | null;
  readonly insertWhenDone: boolean;
  /** By the editor's name; an editor's own default where it has none. */
  readonly modes: Readonly<Record<string, InsertMode>>;
  /** Ids of jobs that were cancelled while the helper was away: to be cancelled once it is back. */
  readonly unwanted: readonly string[];
}

export const DEFAULT_SETTINGS: Settings = {
  port: DEFAULT_PORT,
  secrets: null,
  scale: DEFAULT_OPTIONS.scale,
  preset: DEFAULT_OPTIONS.preset,
  kernel: null,
  insertWhenDone: true,
  modes: {},
  unwanted: [],
};

/** What is used of `browser.storage.local`. */
export interface Storage {
  get(keys: string[]): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
}

export async function loadSettings(storage: Storage): Promise<Settings> {
  const settings: Settings = { ...DEFAULT_SETTINGS, ...(await storage.get(Object.keys(DEFAULT_SETTINGS))) };
  // One that another version of the panel had.
  return PRESETS.includes(settings.preset) ? settings : { ...settings, preset: DEFAULT_SETTINGS.preset };
}

/** Each setting by itself: a panel that was opened earlier does not put back what another has changed since. */
export const saveSettings = (storage: Storage, change: Partial<Settings>): Promise<void> => storage.set(change);
