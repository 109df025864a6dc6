/**
 * Tells a connection what becomes of a job. Changes of state are always told; what happens between them is a picture of the
 * moment, so while the peer reads slowly it is dropped, and the next one makes up for it.
 */
import { encodePreview } from '../../shared/protocol/frames.ts';
import type { JobId, JobInfo, JobProgress, Jobs } from './jobs.ts';
import type { Outgoing } from './outgoing.ts';
import { toStatus, toWireKernel, withoutPictures } from './wire.ts';

export interface Watch {
  /** All there is to know, as the answer to `request`. */
  answer(request: number): void;
  /** Whether the job has yet to end. */
  isOpen(): boolean;
  stop(): void;
}

/** `gone` is called, after the client was told, when the job is no more. Throws `NO_SUCH_JOB`. */
export function watchJob(jobs: Jobs, owner: string, id: JobId, outgoing: Outgoing, gone: () => void): Watch {
  /** What the client was last shown. */
  let shown: { kernel?: JobProgress['kernel']; preview?: JobProgress['preview'] } = {};
  let last = jobs.info(owner, id);
  let previews = 0;

  const isKept = () => {
    try {
      jobs.info(owner, id);
      return true;
    } catch {
      return false;
    }
  };
  const tellPictures = ({ progress, result }: JobInfo) => {
    const kernel = result?.kernel ?? progress?.kernel;
    if (kernel && kernel !== shown.kernel) {
      outgoing.message({ type: 'kernel', job: id, kernel: toWireKernel(kernel) });
    }
    const preview = progress?.preview;
    if (preview && preview !== shown.preview) {
      outgoing.frame({ type: 'preview', job: id, sequence: previews++, offset: 0, payload: encodePreview(preview) });
    }
    shown = { ...(kernel && { kernel }), ...(preview && { preview }) };
  };

  const tellChange = (info: JobInfo) => {
    const isNews =
      info.state !== last.state ||
      info.position !== last.position ||
      info.shortage?.sentence !== last.shortage?.sentence;
    last = info;
    if (isNews) {
      tellPictures(info);
      outgoing.message({ type: 'job', job: toStatus(info) });
    } else if (info.state === 'running' && info.progress && !outgoing.isBehind()) {
      tellPictures(info);
      outgoing.message({ type: 'progress', job: id, ...withoutPictures(info.progress) });
    }
  };

  const stop = jobs.subscribe(owner, id, (info) => {
    if (isKept()) return tellChange(info);
    stop();
    outgoing.message({ type: 'gone', job: id });
    gone();
  });

  return {
    answer(request) {
      last = jobs.info(owner, id);
      shown = {};
      tellPictures(last);
      outgoing.message({ type: 'job', request, job: toStatus(last) });
    },
    isOpen: () => ['uploading', 'queued', 'running'].includes(last.state),
    stop,
  };
}
