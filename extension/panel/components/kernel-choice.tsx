/** Which kernel the next job uses: the one it finds, that of an earlier picture, or one from a file. */
import { useState } from 'preact/hooks';
import { KernelFusionError } from '../../../shared/errors.ts';
import { flip, type Scale } from '../../../shared/kernel.ts';
import { IMPORTABLE, importKernel } from '../../../shared/kernel-formats/index.ts';
import type { Failure, PanelActions, PanelState } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Cross, HalfTurn, IconButton } from './icons.tsx';
import { Notice } from './notice.tsx';
import { KernelMap } from './result/kernel-map.tsx';

const { options: TEXT } = STRINGS;

/** What the browser's dialog shows: it knows the last extension of a name only. */
const ACCEPTED = IMPORTABLE.map(({ extension }) => `.${extension.split('.').at(-1)}`).join(',');

interface KernelChoiceProps {
  readonly chosen: PanelState['kernel'];
  /** Of the next job: what a file without a scale of its own is taken for. */
  readonly scale: Scale;
  readonly actions: PanelActions;
}

export function KernelChoice({ chosen, scale, actions }: KernelChoiceProps) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const read = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    try {
      const { kernel, notes } = importKernel(new Uint8Array(await file.arrayBuffer()), { scale });
      setFailure(null);
      actions.setKernel({ kernel, name: file.name, notes });
    } catch (error) {
      setFailure(failureOf(error));
    }
    input.value = ''; // The same file can be chosen again once it was mended.
  };
  return (
    <>
      <div class="field">
        <span>{TEXT.kernel}</span>
        <span class="kernel-choice">
          {chosen && <KernelMap kernel={chosen.kernel} label={STRINGS.result.kernelMap(chosen.kernel.size)} />}
          <span class="name" title={chosen?.name}>
            {chosen ? TEXT.kernelGiven(chosen.name) : TEXT.kernelOwn}
          </span>
          {chosen ? (
            <>
              <IconButton name={TEXT.kernelTurn} onClick={() => actions.setKernel(turned(chosen))}>
                <HalfTurn />
              </IconButton>
              <IconButton name={TEXT.kernelClear} onClick={() => actions.setKernel(null)}>
                <Cross />
              </IconButton>
            </>
          ) : (
            <label class="file">
              <input type="file" accept={ACCEPTED} onChange={({ currentTarget }) => void read(currentTarget)} />
              <span class="words">
                <span class="spoken">{TEXT.kernel} </span>
                {TEXT.kernelFromFile}
              </span>
            </label>
          )}
        </span>
      </div>
      {chosen?.notes.map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
      {failure && (
        <Notice title={TEXT.kernelRefused} failure={failure}>
          <button type="button" onClick={() => setFailure(null)}>
            {STRINGS.dismiss}
          </button>
        </Notice>
      )}
    </>
  );
}

/** Most files do not say whether they mean a correlation or a convolution: who knows better can turn it. */
const turned = (chosen: NonNullable<PanelState['kernel']>) => ({ ...chosen, kernel: flip(chosen.kernel) });

/** A file that vanished, or that the browser may not read, is no mistake of ours. */
function failureOf(error: unknown): Failure {
  if (error instanceof KernelFusionError) return { code: error.code, sentence: error.message };
  if (error instanceof DOMException) return { code: 'BAD_KERNEL', sentence: TEXT.kernelUnreadable };
  throw error;
}
