/** How the layer is to be enlarged, and what that takes. */
import type { Scale } from '../../../shared/kernel.ts';
import { PRESETS } from '../../../shared/options.ts';
import { MOST_RESULT_PIXELS } from '../../../shared/protocol/limits.ts';
import type { EditorState, EstimateState, PanelActions, PanelState } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { KernelChoice } from './kernel-choice.tsx';
import { Notice } from './notice.tsx';
import { Presets } from './presets.tsx';

const { options: TEXT } = STRINGS;
const SCALES: readonly Scale[] = [1, 2, 3, 4];

type ReadyEditor = EditorState & { is: 'ready' };

/** Why a scale cannot be chosen, or null. */
export function scaleRefusal(
  { document, layer, modes }: ReadyEditor,
  chosen: PanelState['kernel'],
  scale: Scale,
): string | null {
  if (chosen && chosen.kernel.scale !== scale) return TEXT.otherKernel(chosen.kernel.scale);
  const { longestSide = Number.POSITIVE_INFINITY } = document;
  const grows = modes.every((mode) => mode === 'enlarge-document');
  if (grows && scale * Math.max(document.width, document.height) > longestSide) return TEXT.tooLong(longestSide);
  if (layer && layer.width * layer.height * scale ** 2 > MOST_RESULT_PIXELS) return TEXT.tooMany;
  return null;
}

interface OptionsProps {
  readonly state: PanelState;
  readonly editor: ReadyEditor;
  readonly actions: PanelActions;
}

export function Options({ state, editor, actions }: OptionsProps) {
  const { settings, kernel } = state;
  const refusals = SCALES.map((scale) => scaleRefusal(editor, kernel, scale));
  const wanted = settings.modes[editor.name];
  return (
    <section class="card options" aria-label={TEXT.heading}>
      <div role="radiogroup" aria-label={TEXT.scale} class="scales">
        {SCALES.map((scale, index) => (
          <label key={scale} title={refusals[index] ?? undefined}>
            <input
              type="radio"
              name="scale"
              checked={settings.scale === scale}
              disabled={refusals[index] !== null}
              onChange={() => actions.setScale(scale)}
            />
            <span>{TEXT.times(scale)}</span>
          </label>
        ))}
      </div>
      {[...new Set(refusals)].map(
        (why) =>
          why && (
            <p key={why} class="soft">
              {why}
            </p>
          ),
      )}
      <Presets
        presets={PRESETS}
        words={TEXT.presets}
        chosen={settings.preset}
        onChoose={(preset) => actions.setPreset(preset)}
      />
      {editor.modes.length > 1 && (
        <label class="field">
          {TEXT.mode}
          <select
            value={wanted && editor.modes.includes(wanted) ? wanted : editor.modes[0]}
            onChange={({ currentTarget }) => actions.setMode(currentTarget.value as ReadyEditor['modes'][number])}
          >
            {editor.modes.map((mode) => (
              <option key={mode} value={mode}>
                {TEXT.modes[mode]}
              </option>
            ))}
          </select>
        </label>
      )}
      <KernelChoice chosen={kernel} scale={settings.scale} actions={actions} />
      <label class="check">
        <input
          type="checkbox"
          checked={settings.insertWhenDone}
          onChange={({ currentTarget }) => actions.setInsertWhenDone(currentTarget.checked)}
        />
        {TEXT.insertWhenDone}
      </label>
      <Estimate estimate={state.estimate} />
    </section>
  );
}

function Estimate({ estimate }: { readonly estimate: EstimateState }) {
  switch (estimate.is) {
    case 'none':
      return null;
    case 'asking':
      return <p class="soft">{STRINGS.estimate.asking}…</p>;
    case 'failed':
      return <Notice failure={estimate.failure} />;
    case 'known': {
      const { seconds, memory, refusal } = estimate.estimate;
      if (refusal) return <Notice failure={refusal as never} />;
      return <p class="soft">{STRINGS.estimate.takes(seconds, memory)}</p>;
    }
    default:
      return estimate satisfies never;
  }
}
