/** The whole way in Piskel: the panel as it is shipped, the real helper, real browsers; only the method is one told by hand. */
import assert from 'node:assert/strict';
import { piskel } from './piskel.ts';
import { AWAY, INSERTED, inEachBrowser, KERNEL, until } from './stage.ts';
import { wholeWay } from './whole-way.ts';

inEachBrowser(piskel, (scene) => {
  wholeWay(piskel, scene);

  scene('a job that is cancelled while the helper is away is stopped when it is back', async (stage) => {
    const { helper, untouched, look, startHeld } = stage;
    const panel = await startHeld();
    await helper.kill();
    await panel.says(AWAY);
    await panel.click('button', 'Cancel');
    await panel.says(/^$/);
    await helper.start();
    await panel.offers('Upscale');
    await until(() => helper.jobs().length === 0);
    assert.deepEqual(await look(), untouched);
  });

  scene('a job that was finished while no panel was open is inserted by the next', async (stage) => {
    const { helper, startHeld, assertInserted } = stage;
    const first = await startHeld();
    await first.close();
    helper.release();
    await until(helper.isDone);
    const second = await stage.panel();
    await second.says(INSERTED);
    await assertInserted();
  });

  scene('of two panels one works on the job, the other when that is closed', async (stage) => {
    const { helper, startHeld, assertInserted } = stage;
    const first = await startHeld();
    const second = await stage.panel();
    await second.offers('Upscale');
    await second.says(/^$/);
    await first.close();
    await second.says(KERNEL);
    helper.release();
    await second.says(INSERTED);
    await assertInserted();
  });

  scene('a result whose layer is gone is offered, and inserted when the layer is back', async (stage) => {
    const { helper, editor, startHeld, assertInserted } = stage;
    const panel = await startHeld();
    await editor.evaluate(() => window.pskl.app.piskelController.renameLayerAt(1, 'other'));
    helper.release();
    await panel.shows(/DOCUMENT_CHANGED/);
    await editor.evaluate(() => window.pskl.app.piskelController.renameLayerAt(1, 'Drawing'));
    await panel.click('button', 'Insert');
    await panel.says(INSERTED);
    await assertInserted();
  });
});
