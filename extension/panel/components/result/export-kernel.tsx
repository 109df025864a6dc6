/** Takes a kernel away in any format there is, each with what it is for and a line that uses it. */
import { useState } from 'preact/hooks';
import { KernelFusionError } from '../../../../shared/errors.ts';
import type { Kernel } from '../../../../shared/kernel.ts';
import { type ExportOptions, exportKernel, FORMATS } from '../../../../shared/kernel-formats/index.ts';
import { STRINGS } from '../../strings.ts';
import { CopyButton } from '../copy-button.tsx';
import { fileName, saveFile } from './save-file.ts';

const { result: TEXT } = STRINGS;

interface ExportKernelProps {
  readonly kernel: Kernel;
  readonly name: string;
  /** Goes with the kernel in formats that have room for it. */
  readonly about: Pick<ExportOptions, 'source' | 'options' | 'confidence'>;
}

export function ExportKernel({ kernel, name, about }: ExportKernelProps) {
  const [format, choose] = useState(FORMATS[0]);
  const [notes, setNotes] = useState<readonly string[]>([]);
  const save = () => {
    try {
      const { bytes, notes } = exportKernel(kernel, format, about);
      setNotes(notes);
      saveFile(bytes, `${fileName(name)} kernel${format.extension}`);
    } catch (error) {
      if (!(error instanceof KernelFusionError)) throw error;
      setNotes([error.message]); // The format cannot hold this kernel.
    }
  };
  return (
    <details>
      <summary>{TEXT.exportKernel}</summary>
      <div class="stack">
        <label class="field">
          {TEXT.format}
          <select
            value={format.id}
            onChange={({ currentTarget }) => {
              choose(FORMATS[currentTarget.selectedIndex]);
              setNotes([]);
            }}
          >
            {FORMATS.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <p class="soft">{format.purpose}</p>
        <div class="recipe">
          <span class="soft">{TEXT.recipe(format.recipe.tool)}</span>
          <CopyButton text={format.recipe.code} label={TEXT.copyRecipe} />
          <pre>
            <code>{format.recipe.code}</code>
          </pre>
        </div>
        <button type="button" onClick={save}>
          {TEXT.export(format.extension)}
        </button>
        {notes.map((note) => (
          <p key={note} class="hint">
            {note}
          </p>
        ))}
      </div>
    </details>
  );
}
