/** What has to work in every editor, from the one button to the new layer, whatever goes away in between. */
import assert from 'node:assert/strict';
import { AWAY, DONE, type Drive, INSERTED, KERNEL, type Scene } from './stage.ts';

export function wholeWay<Seen>({ shown }: Drive<Seen>, scene: Scene<Seen>): void {
  scene(
    'one button brings the layer to the helper and the new one into the document; another takes it back',
    async (stage) => {
      const { helper, untouched, look, assertInserted } = stage;
      const panel = await stage.panel();
      await panel.shows(shown);
      await panel.offers('Upscale');
      await panel.click('button', 'Upscale');
      await panel.says(INSERTED);
      await assertInserted();
      await panel.click('button', 'Undo insertion');
      await panel.says(DONE);
      assert.deepEqual(await look(), untouched);
      // Once more by hand.
      await panel.click('button', 'Insert');
      await panel.says(INSERTED);
      await assertInserted();
      assert.deepEqual(helper.jobs(), []);
    },
  );

  scene('a job that is cancelled leaves nothing behind, and another can be started', async (stage) => {
    const { helper, untouched, look, startHeld, assertInserted } = stage;
    const panel = await startHeld();
    await panel.click('button', 'Cancel');
    await panel.offers('Upscale');
    assert.deepEqual(helper.jobs(), []);
    assert.deepEqual(await look(), untouched);
    helper.release();
    await panel.click('button', 'Upscale');
    await panel.says(INSERTED);
    await assertInserted();
  });

  scene(
    'a job goes on when the helper was killed in the middle of it',
    async ({ helper, startHeld, assertInserted }) => {
      const panel = await startHeld();
      await helper.kill();
      await panel.says(AWAY);
      await helper.start();
      await panel.says(KERNEL);
      helper.release();
      await panel.says(INSERTED);
      await assertInserted();
    },
  );

  scene('a job goes on while the panel is closed, and is taken up by the next', async (stage) => {
    const { helper, startHeld, assertInserted } = stage;
    const first = await startHeld();
    await first.close();
    const second = await stage.panel();
    await second.says(KERNEL);
    helper.release();
    await second.says(INSERTED);
    await assertInserted();
  });
}
