/** Takes a kernel from a file, for the next job. What cannot be read is told in a sentence. */
import { useState } from 'preact/hooks';
import { KernelFusionError } from '../../../../shared/errors.ts';
import type { Kernel, Scale } from '../../../../shared/kernel.ts';
import { IMPORTABLE, importKernel } from '../../../../shared/kernel-formats/index.ts';
import type { Failure } from '../../state.ts';
import { Notice } from '../notice.tsx';
import { RESULT_STRINGS as TEXT } from './strings.ts';

interface ImportProps {
  /** Of the next job: what a file without a scale of its own is taken for. */
  readonly scale: Scale;
  onKernel(kernel: Kernel, name: string): void;
}

export function ImportKernel({ scale, onKernel }: ImportProps) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const read = async (file: File | undefined) => {
    if (!file) return;
    try {
      const { kernel } = importKernel(new Uint8Array(await file.arrayBuffer()), { scale });
      setFailure(null);
      onKernel(kernel, file.name);
    } catch (error) {
      if (!(error instanceof KernelFusionError)) throw error;
      setFailure({ code: error.code, sentence: error.message });
    }
  };
  return (
    <details class="import">
      <summary>{TEXT.importKernel}</summary>
      <input
        type="file"
        aria-label={TEXT.importKernel}
        accept={IMPORTABLE.map(({ extension }) => `.${extension.split('.').at(-1)}`).join(',')}
        onChange={({ currentTarget }) => read(currentTarget.files?.[0])}
      />
      {failure && <Notice failure={failure} />}
    </details>
  );
}
