/** A result: the picture before and after, its kernel, the figures, and what can be taken away. */
import { useState } from 'preact/hooks';
import type { Kernel } from '../../../../shared/kernel.ts';
import type { Picture } from '../../../editors/picture.ts';
import { encodePng } from '../../../editors/png.ts';
import type { ResultFacts } from '../../records.ts';
import { PictureView } from '../picture.tsx';
import { ExportKernel } from './export-kernel.tsx';
import { KernelMap } from './kernel-map.tsx';
import { fileName, saveFile } from './save-file.ts';
import { RESULT_STRINGS as TEXT } from './strings.ts';

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
          <dt title={TEXT.consistencyHelp}>{TEXT.consistencyLabel}</dt>
          <dd>{TEXT.consistency(facts.lrConsistency)}</dd>
          {facts.timings.total !== undefined && <dt>{TEXT.time}</dt>}
          {facts.timings.total !== undefined && <dd>{TEXT.seconds(facts.timings.total)}</dd>}
        </dl>
      </div>
      {facts.notes.map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
      <div class="row">
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

/** Both pictures over each other; the slider moves the line between them. */
function Comparison({ original, enlarged }: Pick<ResultProps, 'original' | 'enlarged'>) {
  const [share, setShare] = useState(50);
  return (
    <div class="comparison">
      <div class="pair">
        <PictureView picture={enlarged} label={TEXT.after} />
        <div class="before" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}>
          <PictureView picture={original} label={TEXT.before} />
        </div>
        <div class="line" style={{ left: `${share}%` }} />
      </div>
      <input
        type="range"
        aria-label={TEXT.compare}
        value={share}
        onInput={({ currentTarget }) => setShare(currentTarget.valueAsNumber)}
      />
    </div>
  );
}
