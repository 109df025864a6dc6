/** How the work is done: one of the presets there are. Nothing where there is but one. */
import { STRINGS } from '../strings.ts';

interface PresetProps<Preset extends string> {
  readonly presets: readonly Preset[];
  /** What each is called, and what it costs and brings. */
  readonly words: Readonly<Record<Preset, { readonly name: string; readonly about: string }>>;
  readonly chosen: Preset;
  onChoose(preset: Preset): void;
}

export function Presets<Preset extends string>({ presets, words, chosen, onChoose }: PresetProps<Preset>) {
  if (presets.length < 2) return null;
  return (
    <>
      <label class="field">
        {STRINGS.options.preset}
        <select
          value={chosen}
          aria-describedby="about-preset"
          onChange={({ currentTarget }) => onChoose(currentTarget.value as Preset)}
        >
          {presets.map((preset) => (
            <option key={preset} value={preset}>
              {words[preset].name}
            </option>
          ))}
        </select>
      </label>
      <p id="about-preset" class="soft">
        {words[chosen].about}
      </p>
    </>
  );
}
