import assert from 'node:assert/strict';

/** A cancel in the second step of a run is heard before there is a third. */
export async function assertCancelHeard(
  run: (how: { readonly onStep: () => void; readonly signal: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  let steps = 0;
  const onStep = () => void (++steps === 2 && stop.abort());
  await assert.rejects(run({ onStep, signal: stop.signal }), { code: 'CANCELLED' });
  assert.equal(steps, 2);
}
