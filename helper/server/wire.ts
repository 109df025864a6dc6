/**
 * Jobs and kernels as they travel. The types say that nothing else does: no owner, no kernel or preview in a status (those have
 * messages of their own).
 */
import { type Kernel, makeKernel } from '../../shared/kernel.ts';
import type { JobStatus, WireKernel } from '../../shared/protocol/fields.ts';
import type { JobInfo } from './jobs.ts';

export function toStatus({
  id,
  state,
  position,
  layer,
  options,
  created,
  progress,
  shortage,
  result,
  error,
}: JobInfo): JobStatus {
  return {
    ...{ id, state, position, layer, options, created },
    ...(progress && { progress: withoutPictures(progress) }),
    ...(shortage && { shortage }),
    ...(result && { result: withoutKernel(result) }),
    ...(error && { error }),
  };
}

export const withoutPictures = ({
  kernel: _kernel,
  preview: _preview,
  ...told
}: NonNullable<JobInfo['progress']>): NonNullable<JobStatus['progress']> => told;

const withoutKernel = ({ kernel: _, timings, versions, ...rest }: NonNullable<JobInfo['result']>) => ({
  ...rest,
  timings: { ...timings },
  versions: { ...versions },
});

export const toWireKernel = ({ size, scale, data }: Kernel): WireKernel => ({ size, scale, data: Array.from(data) });

/** Throws `BAD_KERNEL`. */
export const fromWireKernel = ({ size, scale, data }: WireKernel): Kernel => makeKernel(size, scale, data);
