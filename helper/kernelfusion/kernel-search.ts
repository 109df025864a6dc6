/**
 * The tools of a search for a layer's kernel: ways to find one, each of which judges what it found. What does not wait for each other may be
 * asked for at once.
 *
 * All kernels are judged by the same pixels and draws, and fitted to the same folds: they differ by where they began alone.
 */
import type { Kernel } from '../../shared/kernel.ts';
import type { Executor } from '../tensor/executor.ts';
import type { Candidate } from './candidates.ts';
import { canvasSize } from './degradation.ts';
import { DIFFUSION_ON, DIFFUSION_SEARCH, type Searched } from './diffusion-search.ts';
import type { DetailedPrediction } from './held-out.ts';
import { type Hiding, IN_SQUARES } from './hidden-pixels.ts';
import { compileWindowProduct, windowsAtOnce } from './kernel-solver.ts';
import { startKernel } from './kernel-starts.ts';
import type { JudgeUnderPrior } from './last-round.ts';
import { type Denoiser, makeDenoiser, type Prior } from './patch-diffusion.ts';
import type { SearchServices } from './search-tasks.ts';
import type { Tasks } from './tasks.ts';

/** What a search works with. */
export interface SearchTools {
  readonly executor: Executor;
  readonly tasks: Tasks;
  readonly signal?: AbortSignal;
}

export interface KernelSearch {
  /** What a kernel foretells of pixels that are hidden in that way. */
  foretell(kernel: Kernel, hiding: Hiding, signal?: AbortSignal): Promise<DetailedPrediction>;
  /** A kernel to begin at, which strong edges tell of (edge-kernel.ts). */
  findByEdges(lambda: number, signal?: AbortSignal): Promise<Kernel>;
  /** Cross-fitting under sparse gradients. `start`: in words. */
  fit(
    start: string,
    from: Pick<Candidate, 'kernel' | 'steps'>,
    count: number,
    signal?: AbortSignal,
  ): Promise<Candidate>;
  /** Expectation maximisation under sparse gradients. */
  fitByExpectation(from: Candidate, count: number, signal?: AbortSignal): Promise<Candidate>;
  /** The reverse diffusion from the enlarged layer. `number`: 0, 1, ...; they differ by chance. */
  diffuse(number: number, signal?: AbortSignal): Promise<Candidate>;
  /** The end of a reverse diffusion from the picture that a kernel makes. */
  diffuseOn(from: Candidate, signal?: AbortSignal): Promise<Candidate>;
  readonly judgeUnderPrior: JudgeUnderPrior;
  release(): Promise<void>;
}

/** Numbers of the diffusions that go on; those below are of such as begin. */
const FIRST_ONWARDS = 100;

/** `prior`: null where nothing is asked for that needs one. `onStep` hears every step of a fit or diffusion. */
export async function openKernelSearch(
  searched: Searched,
  prior: Prior | null,
  seed: number,
  { executor, tasks, signal }: SearchTools,
  onStep: (kernel: Kernel) => void,
): Promise<KernelSearch> {
  const { width, height } = canvasSize(searched.y, searched);
  const { product, release } = await compileWindowProduct(executor, searched.size, windowsAtOnce(searched.y));
  let denoiser: Denoiser | null;
  try {
    denoiser = prior && (await makeDenoiser(prior, width, height, executor, signal));
  } catch (error) {
    await release();
    throw error;
  }
  const asked = { product, denoise: (...args: Parameters<Denoiser['denoise']>) => denoiser!.denoise(...args) };
  const piece = { searched, seed };
  /** How many diffusions have gone on: each has a number of its own, after those that begin. */
  let onwards = 0;

  const foretell = (kernel: Kernel, hiding: Hiding, signal?: AbortSignal) =>
    tasks.run('judge', { ...piece, kernel, hiding }, {}, signal);
  /** A kernel that is worked on and then judged; `steps`: those before. */
  const develop = async (
    { start, steps, diffused }: Pick<Candidate, 'start' | 'steps' | 'diffused'>,
    work: (services: SearchServices) => Promise<Kernel>,
    signal?: AbortSignal,
  ): Promise<Candidate> => {
    const made = [...steps];
    const hear = (kernel: Kernel) => {
      made.push(kernel);
      onStep(kernel);
    };
    const kernel = await work({ ...asked, onStep: hear });
    return { kernel, steps: made, start, diffused, ...(await foretell(kernel, IN_SQUARES, signal)) };
  };

  /** One of the ways to fit, from this kernel and the steps that led there; `start`: of what is found. */
  const fitBy = (
    way: 'fit' | 'fitByExpectation',
    { start, steps, kernel }: Pick<Candidate, 'start' | 'steps' | 'kernel'>,
    count: number,
    signal?: AbortSignal,
  ): Promise<Candidate> => {
    const work = (services: SearchServices) =>
      tasks.run(way, { ...piece, start: kernel, steps: count }, services, signal);
    return develop({ start, steps, diffused: false }, work, signal);
  };

  return {
    foretell,
    findByEdges: (lambda, signal) => tasks.run('findByEdges', { searched, lambda }, {}, signal),
    fit: (start, { kernel, steps }, count, signal) => fitBy('fit', { kernel, steps, start }, count, signal),
    fitByExpectation: ({ start, steps, kernel }, count, signal) =>
      fitBy('fitByExpectation', { kernel, steps, start: `${start}, by expectation` }, count, signal),
    diffuse(number, signal) {
      const start = startKernel('spot', searched.size, searched.scale);
      const diffusion = { ...piece, plan: DIFFUSION_SEARCH, start, fromPicture: false, number };
      const work = (services: SearchServices) => tasks.run('diffuse', diffusion, services, signal);
      return develop({ start: 'diffusion', steps: [], diffused: true }, work, signal);
    },
    diffuseOn({ start, steps, kernel }, signal) {
      const diffusion = {
        ...piece,
        plan: DIFFUSION_ON,
        start: kernel,
        fromPicture: true,
        number: FIRST_ONWARDS + onwards++,
      };
      const work = (services: SearchServices) => tasks.run('diffuse', diffusion, services, signal);
      return develop({ start: `${start}, diffused on`, steps, diffused: true }, work, signal);
    },
    judgeUnderPrior: ({ kernel }, signal) => tasks.run('judgeUnderPrior', { ...piece, kernel }, asked, signal),
    async release() {
      await Promise.all([release(), denoiser?.release()]);
    },
  };
}
