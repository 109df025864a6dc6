/** A result: the picture before and after, its kernel, the figures, and what can be taken away. */
import type { Kernel } from '../../../../shared/kernel.ts';
import type { Picture } from '../../../editors/picture.ts';
import { encodePng } from '../../../editors/png.ts';
import type { ResultFacts } from '../../records.ts';
import { STRINGS } from '../../strings.ts';
import { Comparison } from './comparison.tsx';
import { ExportKernel } from './export-kernel.tsx';
import { KernelMap } from './kernel-map.tsx';
import { fileName, saveFile } from './save-file.ts';

const { result: TEXT } = STRINGS;

export interface ResultProps {
  readonly original: Picture;
  readonly enlarged: Picture;
  readonly kernel: Kernel;
  readonly facts: ResultFacts;
  /** The layer's: files are named by it. */
  readonly name: string;
  onUseKernel(kernel: Kernel): void;
}

export function ResultView({ original, enlarged, kernel, facts, name, onUseKernel }: ResultProps) {
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
          <dt>{TEXT.consistencyLabel}</dt>
          <dd>{TEXT.consistency(facts.lrConsistency)}</dd>
          <dd class="soft">{TEXT.consistencyHelp}</dd>
          {facts.timings.total !== undefined && <dt>{TEXT.time}</dt>}
          {facts.timings.total !== undefined && <dd>{TEXT.seconds(facts.timings.total)}</dd>}
        </dl>
      </div>
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
      <ExportKernel kernel={kernel} name={name} />
    </>
  );
}
