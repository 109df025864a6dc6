/** A result: the picture before and after, its kernel, the figures, and what can be taken away. */
import type { Kernel } from '../../../../shared/kernel.ts';
import type { UpscaleOptions } from '../../../../shared/options.ts';
import type { Picture } from '../../../editors/picture.ts';
import { encodePng } from '../../../editors/png.ts';
import type { ResultFacts } from '../../records.ts';
import { STRINGS } from '../../strings.ts';
import { Comparison } from './comparison.tsx';
import { ExportKernel } from './export-kernel.tsx';
import { KernelMap } from './kernel-map.tsx';
import { fileName, saveFile } from './save-file.ts';

const { result: TEXT } = STRINGS;

/** Below this the kernel is more likely to harm than to help, and the person is told what to do. */
const LEAST_CONFIDENCE = 0.5;

export interface ResultProps {
  readonly original: Picture;
  readonly enlarged: Picture;
  readonly kernel: Kernel;
  readonly facts: ResultFacts;
  readonly options: UpscaleOptions;
  /** The layer's: files are named by it. */
  readonly name: string;
  onUseKernel(kernel: Kernel): void;
}

export function ResultView({ original, enlarged, kernel, facts, options, name, onUseKernel }: ResultProps) {
  const { confidence = null } = facts;
  const { width, height } = original;
  const here = { source: { width, height }, options: { ...options }, ...(confidence !== null && { confidence }) };
  // A kernel that was given, or the plain one, was not found in this layer.
  const about = facts.kernelSource === 'estimated' ? here : {};
  const download = async () => saveFile(await encodePng(enlarged), `${fileName(name)} ${facts.layer.width}.png`);
  return (
    <>
      <Comparison original={original} enlarged={enlarged} />
      <div class="facts">
        <figure>
          <KernelMap kernel={kernel} label={TEXT.kernelMap(kernel.size)} />
          <figcaption>{TEXT.kernelMap(kernel.size)}</figcaption>
        </figure>
        <dl>
          {confidence !== null && (
            <>
              <dt>{TEXT.confidenceLabel}</dt>
              <dd>{STRINGS.percent(confidence)}</dd>
              <dd class="soft">{TEXT.confidenceHelp}</dd>
            </>
          )}
          <dt>{TEXT.consistencyLabel}</dt>
          <dd>{TEXT.consistency(facts.lrConsistency)}</dd>
          <dd class="soft">{TEXT.consistencyHelp}</dd>
          {facts.timings.total !== undefined && <dt>{TEXT.time}</dt>}
          {facts.timings.total !== undefined && <dd>{TEXT.seconds(facts.timings.total)}</dd>}
        </dl>
      </div>
      {confidence !== null && confidence < LEAST_CONFIDENCE && <p class="hint">{TEXT.uncertain(options.preset)}</p>}
      {facts.notes.map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
      <div class="stack">
        <button type="button" onClick={download}>
          {TEXT.download}
        </button>
        <button type="button" onClick={() => onUseKernel(kernel)}>
          {TEXT.useKernel}
        </button>
      </div>
      <ExportKernel kernel={kernel} name={name} about={about} />
    </>
  );
}
