/** Takes a kernel away in any format there is, each with what it is for and a line that uses it. */
import { useState } from 'preact/hooks';
import type { Kernel } from '../../../../shared/kernel.ts';
import { exportKernel, FORMATS } from '../../../../shared/kernel-formats/index.ts';
import { fileName, saveFile } from './save-file.ts';
import { RESULT_STRINGS as TEXT } from './strings.ts';

export function ExportKernel({ kernel, name }: { readonly kernel: Kernel; readonly name: string }) {
  const [chosen, choose] = useState(FORMATS[0].id);
  const [notes, setNotes] = useState<readonly string[]>([]);
  const [isCopied, setCopied] = useState(false);
  const format = FORMATS.find(({ id }) => id === chosen) ?? FORMATS[0];
  const save = () => {
    const { bytes, notes } = exportKernel(kernel, format);
    setNotes(notes);
    saveFile(bytes, `${fileName(name)} kernel${format.extension}`);
  };
  const copy = async () => {
    await navigator.clipboard.writeText(format.recipe.code);
    setCopied(true);
  };
  return (
    <details>
      <summary>{TEXT.exportKernel}</summary>
      <label class="field">
        {TEXT.format}
        <select
          value={chosen}
          onChange={({ currentTarget }) => {
            choose(currentTarget.value as typeof chosen);
            setNotes([]);
            setCopied(false);
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
      <pre>
        <code>{format.recipe.code}</code>
      </pre>
      <div class="row">
        <button type="button" onClick={save}>
          {TEXT.export}
        </button>
        <button type="button" class="quiet" onClick={copy}>
          {isCopied ? TEXT.copied : TEXT.copyRecipe}
        </button>
      </div>
      {notes.map((note) => (
        <p key={note} class="hint">
          {note}
        </p>
      ))}
    </details>
  );
}
