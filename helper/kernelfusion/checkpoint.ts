/**
 * What a method has finished, so that a later run of the same job need not do it again.
 *
 * The one idea: a phase is a named value. `stage` computes it and hands all values so far to whoever keeps them, or takes it
 * from the checkpoint the run was started with. As each phase draws its random numbers from a stream of its own (random.ts),
 * a resumed run gives the same bytes as one that was never interrupted.
 */
import type { Planes } from '../image/planes.ts';
import type { MethodContext, MethodResult, Phase } from './method.ts';
import type { Prior } from './patch-diffusion.ts';
import type { JointState } from './reverse-diffusion.ts';

/** The phases that are finished, each with its value. */
export interface Checkpoint {
  readonly prior?: { readonly prior: Prior; readonly losses: readonly number[] };
  readonly kernel?: Pick<MethodResult, 'kernel' | 'kernelSource' | 'confidence' | 'notes' | 'kernels'>;
  /** How far a kernel and a picture that are found together have come, while that phase lasts. */
  readonly joint?: JointState;
  /** The restored colours, values in [0, 1]. */
  readonly image?: Planes;
}

type Compute = <P extends Phase & keyof Checkpoint>(
  phase: P,
  work: () => Promise<NonNullable<Checkpoint[P]>>,
) => Promise<NonNullable<Checkpoint[P]>>;

/** `keep` hands on how far the present phase has come. */
export type Stage = Compute & { keep(joint: JointState): Promise<void> };

/** A method calls the stage once a phase, in their order. */
export function makeStage(context: Pick<MethodContext, 'checkpoint' | 'onCheckpoint'>): Stage {
  const { checkpoint = {}, onCheckpoint } = context;
  let finished: Checkpoint = checkpoint;
  const stage: Compute = async (phase, work) => {
    const known = checkpoint[phase];
    if (known !== undefined) return known;
    const value = await work();
    finished = { ...finished, [phase]: value };
    await onCheckpoint?.(finished);
    return value;
  };
  const keep = async (joint: JointState) => {
    finished = { ...finished, joint };
    await onCheckpoint?.(finished);
  };
  return Object.assign(stage, { keep });
}
