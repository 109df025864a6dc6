/** The panel's ways that browsers are not needed for: what it shows, asks and keeps when helper or editor do not do as wanted. */
import assert from 'node:assert/strict';
import { test as plainTest } from 'node:test';
import { isBusy, type Work } from '../../../extension/panel/state.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';
import type { Preset } from '../../../shared/options.ts';
import { FACTS, failed, fakeWorld, KERNEL, LAYER, opened, PIXELS, RESULT, SECRETS, statusOf } from './fake-world.ts';

const test = (title: string, body: () => Promise<void>) => plainTest(title, { timeout: 10_000 }, body);

/** A panel that can start: helper and editor are there. */
async function ready(fake = fakeWorld()) {
  const { store, until } = await opened(fake);
  await until(({ helper, editor }) => helper.is === 'ready' && editor.is === 'ready');
  const work = async <Is extends Work['is']>(is: Is) =>
    (await until((state) => state.work.is === is)).work as Extract<Work, { is: Is }>;
  return { fake, store, until, work };
}

test('a panel without a helper says so, and finds one that was started', async () => {
  const fake = fakeWorld({});
  fake.helper.knock = async () => {
    throw failed('HELPER_NOT_RUNNING');
  };
  const { store, until } = await opened(fake);
  await until(({ helper }) => helper.is === 'absent');
  fake.helper.knock = async () => {};
  store.actions.reconnect();
  const { helper } = await until(({ helper }) => helper.is === 'unpaired');
  assert.deepEqual(helper, { is: 'unpaired', isPairing: false, failure: null });
});

test('a wrong code is told, and the right one pairs: its secrets are kept', async () => {
  const fake = fakeWorld({});
  const { store, until } = await opened(fake);
  await until(({ helper }) => helper.is === 'unpaired');
  fake.helper.pair = async () => {
    throw failed('WRONG_CODE', 'That is not the code.');
  };
  store.actions.pair('000000');
  const { helper } = await until(({ helper }) => helper.is === 'unpaired' && helper.failure !== null);
  const failure = { code: 'WRONG_CODE', sentence: 'That is not the code.' };
  assert.deepEqual(helper, { is: 'unpaired', isPairing: false, failure });
  assert.equal(fake.stored.has('secrets'), false);
  fake.helper.pair = async () => SECRETS;
  store.actions.pair('123456');
  await until(({ helper }) => helper.is === 'ready');
  assert.deepEqual(fake.stored.get('secrets'), SECRETS);
});

for (const [code, shown] of [
  ['NOT_PAIRED', 'unpaired'],
  ['NOT_THE_HELPER', 'refused'],
] as const) {
  test(`a token that is worth nothing any more is thrown away, and nothing else: ${code}`, async () => {
    const fake = fakeWorld({ secrets: SECRETS, port: 5000, scale: 3 });
    fake.helper.connect = async () => {
      throw failed(code);
    };
    const { until } = await opened(fake);
    const { settings } = await until(({ helper }) => helper.is === shown);
    assert.deepEqual([settings.secrets, settings.port, settings.scale], [null, 5000, 3]);
    assert.deepEqual(fake.stored.get('secrets'), null);
  });
}

test('a helper of another version is told, keeps its pairing, and is asked again when the person wants it', async () => {
  const fake = fakeWorld();
  const connect = fake.helper.connect;
  let tries = 0;
  fake.helper.connect = async () => {
    tries += 1;
    throw failed('HELPER_OUTDATED', 'Update it.');
  };
  const { store, until } = await opened(fake);
  const { helper } = await until(({ helper }) => helper.is === 'refused');
  assert.deepEqual(helper, { is: 'refused', failure: { code: 'HELPER_OUTDATED', sentence: 'Update it.' } });
  assert.equal(tries, 1);
  fake.helper.connect = connect;
  store.actions.reconnect();
  await until(({ helper }) => helper.is === 'ready');
});

test('a job goes from the layer to the new layer, and is kept from its beginning on', async () => {
  const { fake, store, work } = await ready();
  store.actions.setScale(3);
  store.actions.setMode('keep-document');
  let kept: unknown;
  fake.helper.upload = async () => {
    kept = fake.records.get('1');
  };
  store.actions.upscale();
  await sent(fake);
  assert.equal((kept as { isUploaded: boolean }).isUploaded, false);
  assert.deepEqual((kept as { original: unknown }).original, PIXELS);
  fake.tell('1', { of: 'status', status: statusOf('1', { state: 'queued', position: 2 }) });
  assert.deepEqual(store.state().work, { is: 'queued', position: 2, shortage: null });
  const shortage = { code: 'NOT_ENOUGH_MEMORY', sentence: 'Close other programs.' } as const;
  fake.tell('1', { of: 'status', status: statusOf('1', { state: 'queued', shortage }) });
  assert.deepEqual(store.state().work, { is: 'queued', position: 0, shortage });
  const progress = { phase: 'kernel', fraction: 0.5, etaSeconds: 4 } as const;
  fake.tell('1', { of: 'kernel', kernel: KERNEL });
  fake.tell('1', { of: 'progress', progress });
  assert.deepEqual(store.state().work, { is: 'running', progress, kernel: KERNEL, preview: null });
  fake.tellDone('1');
  const { record, canUndo } = await work('done');
  assert.deepEqual([canUndo, record.inserted], [false, null]);
  const after = await untilInserted(store);
  assert.deepEqual(after.inserted, { layerId: '8', undoSteps: 3 });
  assert.equal(fake.started[0].options.scale, 3);
  const [{ rgba, ...insertion }] = fake.insertions;
  assert.deepEqual(rgba, RESULT);
  assert.deepEqual(insertion, {
    ...{ name: 'sprite 3×', above: '7', scale: 3, mode: 'keep-document', x: -9, y: 12, width: 40, height: 32 },
  });
  assert.deepEqual(fake.deeds, ['start 1', 'upload 1', 'fetch 1', 'forget 1', 'insert']);
  assert.deepEqual(fake.records.get('1')?.result, {
    ...{ picture: { width: 40, height: 32, rgba: RESULT }, kernel: KERNEL, facts: FACTS },
  });
  store.actions.undo();
  store.actions.undo(); // A double click.
  while (fake.records.get('1')?.inserted !== null) await new Promise(setImmediate);
  assert.deepEqual(fake.deeds.slice(5), ['undo 3']);
});

test('what the helper finds wrong with a job is told with its code, and nothing of the job stays', async () => {
  const { fake, store, work } = await ready();
  store.actions.upscale();
  await sent(fake);
  const error = { code: 'OUT_OF_MEMORY', sentence: 'Choose a smaller layer.' };
  fake.tell('1', { of: 'status', status: statusOf('1', { state: 'failed', error }) });
  assert.deepEqual(await work('failed'), { is: 'failed', failure: error });
  assert.deepEqual([fake.deeds.slice(2), fake.records.size], [['cancel 1', 'forget 1'], 0]);
});

test('a job that the helper has deleted is told, and another can be started', async () => {
  const { fake, store, work } = await ready();
  store.actions.upscale();
  await sent(fake);
  fake.tell('1', { of: 'gone' });
  assert.equal((await work('failed')).failure.code, 'NO_SUCH_JOB');
  store.actions.upscale();
  await work('uploading');
});

test('a layer that cannot be read is refused with its reason before the helper hears of it', async () => {
  const { fake, store, work } = await ready();
  fake.editor.layer = { ...LAYER, refusal: 'It is empty.' };
  store.actions.upscale();
  assert.deepEqual((await work('failed')).failure, { code: 'LAYER_REFUSED', sentence: 'It is empty.' });
  assert.deepEqual(fake.deeds, []);
});

test('pixels whose way was cut are sent anew, as another job: the helper keeps no half layer', async () => {
  const { fake, store, work } = await ready();
  fake.helper.upload = () => new Promise(() => {});
  store.actions.upscale();
  await sent(fake);
  fake.helper.upload = async () => {};
  fake.breakConnection();
  await work('away');
  await sent(fake, '2');
  assert.deepEqual([...fake.records.keys()], ['2']);
  fake.tellDone('2');
  await untilInserted(store);
  assert.deepEqual(fake.deeds, [
    ...['start 1', 'upload 1', 'cancel 1', 'forget 1'],
    ...['start 2', 'upload 2', 'fetch 2', 'forget 2', 'insert'],
  ]);
});

test('an insertion that fails loses nothing: the result stays, and goes in when it can', async () => {
  const { fake, store, until } = await ready();
  fake.editor.insert = async () => {
    throw failed('EDITOR_FAILED', 'Try again.');
  };
  store.actions.upscale();
  await sent(fake);
  fake.tellDone('1');
  const { work } = await until(({ work }) => work.is === 'done' && work.trouble !== null);
  assert.deepEqual(work.is === 'done' && work.trouble, {
    ...{ with: 'inserting', code: 'EDITOR_FAILED', sentence: 'Try again.' },
  });
  assert.deepEqual([...fake.records.keys()], ['1']);
  fake.editor.insert = async () => ({ layerId: '8', undoSteps: 1 });
  store.actions.insert();
  await untilInserted(store);
});

test('an insertion that is cancelled leaves the result to be inserted later, and tells of no failure', async () => {
  const { fake, store, work } = await ready();
  fake.editor.insert = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(failed('CANCELLED')));
    });
  store.actions.upscale();
  await sent(fake);
  fake.tellDone('1');
  await work('inserting');
  while (!fake.deeds.includes('insert')) await new Promise(setImmediate);
  store.actions.cancel();
  const { record, trouble } = await work('done');
  assert.deepEqual([record.id, record.inserted, trouble], ['1', null, null]);
});

test('a result is not put into another document than the one its layer came from', async () => {
  const { fake, store, until } = await ready();
  store.actions.upscale();
  await sent(fake);
  fake.editor.documentName = 'other';
  fake.tellDone('1');
  const { work } = await until(({ work }) => work.is === 'done' && work.trouble !== null);
  assert.equal(work.is === 'done' && work.trouble?.code, 'DOCUMENT_CHANGED');
  assert.deepEqual(fake.insertions, []);
});

test('a kernel that was chosen goes with the job; without one the helper estimates it', async () => {
  const { fake, store } = await ready();
  const kernel = bicubicKernel(2);
  store.actions.setKernel({ kernel, name: 'sprite', notes: [] });
  store.actions.upscale();
  await sent(fake);
  assert.deepEqual(fake.started[0].kernel, kernel);
  fake.tellDone('1');
  await untilInserted(store);
  // A panel that is opened later has it still.
  const later = await ready(fake);
  assert.deepEqual(later.store.state().kernel, { kernel, name: 'sprite', notes: [] });
  later.store.actions.upscale();
  await sent(fake, '2');
  assert.deepEqual(fake.started[0].kernel, kernel);
  store.actions.setKernel(null);
  store.actions.close();
  store.actions.upscale();
  await sent(fake, '3');
  assert.equal(fake.started[0].kernel, undefined);
  assert.equal((await ready(fake)).store.state().kernel, null);
});

test('a chosen kernel brings its scale along, for the kernel of one scale is no kernel of another', async () => {
  const fake = fakeWorld();
  const asked: unknown[] = [];
  const estimate = fake.helper.estimate;
  fake.helper.estimate = (options, kernelSide) => {
    asked.push([options.scale, kernelSide]);
    return estimate(options);
  };
  const { store, until } = await ready(fake);
  await until(({ estimate }) => estimate.is === 'known');
  store.actions.setKernel({ kernel: bicubicKernel(4), name: 'sprite', notes: [] });
  const { settings } = await until(({ estimate }) => estimate.is === 'known');
  assert.equal(settings.scale, 4);
  store.actions.setKernel(null);
  await until(({ estimate }) => estimate.is === 'known');
  // What it takes is less where the kernel is known.
  assert.deepEqual(asked.slice(-3), [
    [2, undefined],
    [4, 16],
    [4, undefined],
  ]);
  assert.equal(store.state().settings.scale, 4);
});

test('the chosen preset is kept, and goes with the estimate and with the job', async () => {
  const fake = fakeWorld();
  const asked: string[] = [];
  const estimate = fake.helper.estimate;
  fake.helper.estimate = (options) => {
    asked.push(options.preset);
    return estimate(options);
  };
  const { store, until } = await ready(fake);
  await until(({ estimate }) => estimate.is === 'known');
  const preset = 'another' as Preset; // Whether or not there are several today.
  store.actions.setPreset(preset);
  assert.equal(store.state().estimate.is, 'asking');
  await until(({ estimate }) => estimate.is === 'known');
  assert.deepEqual([asked.at(-1), fake.stored.get('preset')], [preset, preset]);
  store.actions.upscale();
  await sent(fake);
  assert.equal(fake.started[0].options.preset, preset);
});

test('the estimate follows the scale, and a late answer does not replace a newer one', async () => {
  const fake = fakeWorld();
  let answerLate = () => {};
  fake.helper.estimate = ({ scale }) =>
    new Promise((resolve) => {
      const answer = () => resolve({ seconds: scale, memory: 1, refusal: null } as never);
      if (scale === 4) answerLate = answer;
      else answer();
    });
  const { store, until } = await ready(fake);
  await until(({ estimate }) => estimate.is === 'known');
  store.actions.setScale(4);
  assert.equal(store.state().estimate.is, 'asking');
  store.actions.setScale(3);
  const { estimate } = await until(({ estimate }) => estimate.is === 'known');
  assert.equal(estimate.is === 'known' && estimate.estimate.seconds, 3);
  answerLate();
  await new Promise(setImmediate);
  assert.deepEqual(store.state().estimate, estimate);
});

test('the history shows a result again, and forgets one that is removed', async () => {
  const { fake, store, until, work } = await ready();
  store.actions.upscale();
  await sent(fake);
  fake.tellDone('1');
  await untilInserted(store);
  store.actions.close();
  assert.equal(store.state().work.is, 'idle');
  assert.deepEqual(
    store.state().history.map(({ id }) => id),
    ['1'],
  );
  store.actions.show('1');
  assert.equal((await work('done')).record.id, '1');
  store.actions.remove('1');
  await until(({ history }) => history.length === 0);
  assert.deepEqual([store.state().work.is, fake.records.size], ['idle', 0]);
});

test('a second press of the button starts no second job', async () => {
  const { fake, store } = await ready();
  store.actions.upscale();
  store.actions.upscale();
  await sent(fake);
  store.actions.upscale();
  assert.ok(isBusy(store.state().work));
  assert.equal(fake.started.length, 1);
});

test('a result that cannot be kept is shown and inserted all the same, and the helper keeps it till then', async () => {
  const { fake, store, until, record, trouble } = await unkept();
  assert.deepEqual([record.result.picture.rgba, trouble?.with, trouble?.code], [RESULT, 'keeping', 'STORAGE_FAILED']);
  // Whoever opens a panel now finds the job again.
  assert.deepEqual([fake.deeds.slice(2), fake.records.get('1')?.result], [['fetch 1'], null]);
  store.actions.insert();
  await untilInserted(store);
  await until(() => fake.deeds.includes('forget 1'));
  assert.deepEqual([fake.deeds.slice(3), fake.records.size], [['insert', 'cancel 1', 'forget 1'], 0]);
  // It is told until the person leaves it: nobody has it but this view, once the insertion is undone.
  store.actions.undo();
  const { work: undone } = await until(({ work }) => work.is === 'done' && work.record.inserted === null);
  assert.deepEqual(undone.is === 'done' && [undone.trouble?.with, fake.records.size], ['keeping', 0]);
});

test('a result that could not be kept stays in view when the helper goes away and comes back', async () => {
  const { fake, store, until } = await unkept();
  let ways = 0;
  const stop = store.subscribe(() => {
    ways += store.state().work.is === 'done' ? 0 : 1;
  });
  fake.breakConnection();
  await until(({ helper }) => helper.is === 'connecting');
  await until(({ helper }) => helper.is === 'ready');
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  stop();
  assert.deepEqual([ways, fake.deeds.slice(2)], [0, ['fetch 1']]);
});

test('pixels that are sent anew and find no room do not come back again and again', async () => {
  const { fake, store, work } = await ready();
  fake.helper.upload = () => new Promise(() => {});
  store.actions.upscale();
  await sent(fake);
  fake.fillDisk();
  fake.breakConnection();
  assert.equal((await work('failed')).failure.code, 'STORAGE_FAILED');
  assert.equal(fake.records.size, 0);
});

test('a result that could not be kept is let go when the person turns to something else', async () => {
  const { fake, store } = await unkept();
  store.actions.close();
  while (!fake.deeds.includes('forget 1')) await new Promise(setImmediate);
  assert.deepEqual([store.state().work.is, fake.records.size], ['idle', 0]);
});

for (const code of ['NOT_PAIRED', 'INTERNAL', 'BAD_MESSAGE'] as const) {
  test(`a connection that ends with ${code} ends no job: it is taken up when the helper is back`, async () => {
    const { fake, store, work, until } = await ready();
    store.actions.upscale();
    await sent(fake);
    await settledFor('1', fake);
    fake.breakConnection(code);
    await work('away');
    await until(({ helper }) => helper.is === 'unpaired' || helper.is === 'refused');
    assert.deepEqual([fake.deeds, [...fake.records.keys()]], [['start 1', 'upload 1'], ['1']]);
    if (code === 'NOT_PAIRED') store.actions.pair('123456');
    else store.actions.reconnect();
    await work('running');
    fake.tellDone('1');
    await untilInserted(store);
    assert.deepEqual(fake.deeds.slice(2), ['resume 1', 'fetch 1', 'forget 1', 'insert']);
  });
}

test('a helper that goes away before it has a job is waited for: the layer is not read for nothing', async () => {
  const { fake, store, work } = await ready();
  fake.helper.start = () => new Promise(() => {});
  store.actions.upscale();
  await work('uploading');
  fake.helper.start = async () => {};
  fake.breakConnection();
  await work('away');
  await sent(fake);
  fake.tellDone('1');
  await untilInserted(store);
});

test('a job that was cancelled while the helper went away is ended once it is back', async () => {
  const { fake, store, work } = await ready();
  store.actions.upscale();
  await sent(fake);
  const connect = fake.helper.connect;
  let comeBack = () => {};
  fake.helper.connect = async (...given) => {
    await new Promise<void>((resolve) => {
      comeBack = resolve;
    });
    return connect(...given);
  };
  fake.breakConnection();
  await work('away');
  store.actions.cancel();
  await work('idle');
  assert.deepEqual([fake.stored.get('unwanted'), fake.records.size], [['1'], 0]);
  comeBack();
  while ((fake.stored.get('unwanted') as unknown[]).length > 0) await new Promise(setImmediate);
  assert.deepEqual(fake.deeds.slice(2), ['cancel 1', 'forget 1']);
});

test('cancelling does not wait for an editor that says nothing', async () => {
  const { fake, store, work } = await ready();
  fake.editor.document = () => new Promise(() => {});
  store.actions.upscale();
  await work('reading');
  store.actions.cancel();
  await work('idle');
});

test('a result is not put above a layer of another name, for ids begin anew in each document', async () => {
  const { fake, store, until } = await ready();
  store.actions.upscale();
  await sent(fake);
  fake.editor.layer = { ...LAYER, name: 'another' };
  fake.tellDone('1');
  const { work } = await until(({ work }) => work.is === 'done' && work.trouble !== null);
  assert.equal(work.is === 'done' && work.trouble?.code, 'DOCUMENT_CHANGED');
});

test('an undo that fails is told as such, and the layer can be inserted again', async () => {
  const { fake, store, until } = await ready();
  store.actions.upscale();
  await sent(fake);
  fake.tellDone('1');
  await untilInserted(store);
  fake.editor.undo = async () => {
    throw failed('EDITOR_SILENT');
  };
  store.actions.undo();
  const { work } = await until(({ work }) => work.is === 'done' && work.trouble !== null);
  assert.deepEqual(work.is === 'done' && [work.trouble?.with, work.canUndo], ['undoing', false]);
  store.actions.insert();
  await until(({ work }) => work.is === 'done' && work.canUndo);
  assert.equal(fake.insertions.length, 2);
});

test('a click in another tab goes there at once, or when the job is done; trying again looks at the tab in front', async () => {
  const { fake, store, until } = await ready();
  store.clickedIn(2);
  await until(({ editor }) => editor.is === 'ready');
  store.actions.upscale();
  await sent(fake);
  store.clickedIn(3);
  assert.deepEqual(fake.tabs, [1, 2]);
  fake.tellDone('1');
  await until(() => fake.tabs.length === 3);
  fake.front = 4;
  store.actions.allow('https://example.org');
  await until(() => fake.tabs.length === 4);
  assert.deepEqual(fake.tabs, [1, 2, 3, 4]);
});

type Fake = ReturnType<typeof fakeWorld>;
type Store = Awaited<ReturnType<typeof opened>>['store'];

/** The pixels of a job are on their way. */
async function sent({ deeds }: Fake, id = '1'): Promise<void> {
  while (!deeds.includes(`upload ${id}`)) await new Promise(setImmediate);
}

async function untilInserted(store: Store) {
  for (;;) {
    const { work } = store.state();
    if (work.is === 'done' && work.record.inserted) return work.record;
    await new Promise(setImmediate);
  }
}

/** What the panel keeps of a job says that the helper has its pixels. */
async function settledFor(id: string, { records }: Fake): Promise<void> {
  while (!records.get(id)?.isUploaded) await new Promise(setImmediate);
}

/** A job is done, and its result could not be kept. */
async function unkept() {
  const { fake, store, until, work } = await ready();
  store.actions.setInsertWhenDone(false);
  store.actions.upscale();
  await sent(fake);
  await settledFor('1', fake);
  fake.fillDisk();
  fake.tellDone('1');
  return { fake, store, until, ...(await work('done')) };
}
