import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, loadSettings, type Storage, saveSettings } from '../../../extension/panel/settings.ts';
import { PRESETS } from '../../../shared/options.ts';

function storageOf(stored: Record<string, unknown>): Storage {
  return {
    get: async (keys) => Object.fromEntries(Object.entries(stored).filter(([key]) => keys.includes(key))),
    set: async (items) => void Object.assign(stored, items),
  };
}

test('a panel that is opened for the first time has the defaults', async () => {
  assert.deepEqual(await loadSettings(storageOf({})), DEFAULT_SETTINGS);
});

test('what was set is there again; what was not set has its default, and what is no setting is left out', async () => {
  const stored = { another: 'extension page' };
  await saveSettings(storageOf(stored), { scale: 4, modes: { photopea: 'new-document' } });
  assert.deepEqual(await loadSettings(storageOf(stored)), {
    ...DEFAULT_SETTINGS,
    scale: 4,
    modes: { photopea: 'new-document' },
  });
});

test('of two panels each keeps what the other has set', async () => {
  const storage = storageOf({});
  await saveSettings(storage, { port: 5000 });
  await saveSettings(storage, { insertWhenDone: false });
  assert.deepEqual(await loadSettings(storage), { ...DEFAULT_SETTINGS, port: 5000, insertWhenDone: false });
});

test('a preset that there is no more gives way to the default, and one that there is stays', async () => {
  const { preset } = DEFAULT_SETTINGS;
  assert.equal((await loadSettings(storageOf({ preset: 'of-last-year', scale: 3 }))).preset, preset);
  assert.equal((await loadSettings(storageOf({ preset: 'of-last-year', scale: 3 }))).scale, 3);
  const last = PRESETS[PRESETS.length - 1];
  assert.equal((await loadSettings(storageOf({ preset: last }))).preset, last);
});
