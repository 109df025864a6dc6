import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, loadSettings, type Storage, saveSettings } from '../../../extension/panel/settings.ts';

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
