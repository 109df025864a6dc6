/**
 * The face every method has: a layer in, the enlarged layer and its kernel out.
 *
 * A method is pure: no file, socket or clock. Time is kept by whoever listens to `onProgress`.
 */
import type { Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import type { Planes } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Tasks } from './tasks.ts';

/** Colour (1 or 3 planes, not premultiplied, filled in under transparent pixels) and alpha (1 plane), both in [0, 1]. */
export interface Layer {
  readonly colour: Planes;
  readonly alpha: Planes | null;
}

export const PHASES = ['prior', 'kernel', 'image', 'alpha'] as const;
/** prior: patch diffusion is trained; kernel: the kernel is estimated; image: the layer is restored; alpha: its alpha is. */
export type Phase = (typeof PHASES)[number];

export interface Progress {
  readonly phase: Phase;
  /** Steps finished in this phase, and how many it has. */
  readonly step: number;
  readonly steps: number;
  /** Share of the whole job that is done, 0 .. 1, weighted by predicted arithmetic. */
  readonly done: number;
  /** Training loss of the step (phase `prior`): MSE of v. */
  readonly loss?: number;
  /** The kernel as estimated so far (phase `kernel`). */
  readonly kernel?: Kernel;
  /** What the step worked on (phase `image`). */
  readonly piece?: Piece;
}

/** A window of the result as it is so far: colour in [0, 1], its top left corner in HR pixels. */
export interface Piece {
  readonly colour: Planes;
  readonly top: number;
  readonly left: number;
}

export interface MethodContext {
  readonly executor: Executor;
  /** What works on the solvers' tasks; by default this thread. */
  readonly tasks?: Tasks;
  /** Skips the estimation: the kernel the layer is known to be blurred with. */
  readonly kernel?: Kernel;
  /** Side in HR pixels of the tiles a picture is restored in, where memory asks for one (memory.ts). */
  readonly tileSide?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** What an earlier run of the same layer, options and kernel has finished: it is not done again. */
  readonly checkpoint?: Checkpoint;
  /** Hears what is finished at the end of each phase but the last, and is waited for. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Where the kernel of a result comes from; `bicubic` is the fall-back where the layer tells too little about its blur. */
export type KernelSource = 'estimated' | 'given' | 'bicubic';

export interface MethodResult {
  readonly layer: Layer;
  readonly kernel: Kernel;
  readonly kernelSource: KernelSource;
  /**
   * Probability, 0 .. 1, that the kernel found restores a better picture than the plain bicubic one, calibrated on pairs whose kernel
   * is known (docs/quality.md); null where no kernel was estimated (given, bicubic fall-back) or the preset's was not calibrated
   * (paper, paper-small).
   */
  readonly confidence: number | null;
  /** Sentences for the person: a fall-back that was taken and why, a limit that was met. Empty when all went as planned. */
  readonly notes: readonly string[];
  /** Standard deviation of the noise that was assumed, in 8-bit levels. */
  readonly noise: number;
  /**
   * PSNR in dB between the layer and the result blurred and reduced again (peak 1, all colour planes). Where the result is a mean of
   * two pictures the blur is the mean of their kernels, in the same shares.
   */
  readonly lrConsistency: number;
  /** Training loss a step, and the kernel as it developed, from where it was begun. */
  readonly losses: readonly number[];
  readonly kernels: readonly Kernel[];
}

export type Method = (layer: Layer, options: UpscaleOptions, context: MethodContext) => Promise<MethodResult>;
