/** Jobs that are done, newest first: any of them can be looked at again. */
import type { FinishedFacts, PanelActions } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Cross, IconButton } from './icons.tsx';

const { history: TEXT } = STRINGS;

interface HistoryProps {
  readonly history: readonly FinishedFacts[];
  readonly actions: PanelActions;
}

export function History({ history, actions }: HistoryProps) {
  if (history.length === 0) return null;
  return (
    <details class="card history">
      <summary>
        {TEXT.heading} <span class="soft">{history.length}</span>
      </summary>
      <ul aria-label={TEXT.heading}>
        {history.map(({ id, layer, options, created, result }) => {
          const name = `${layer.name} ${STRINGS.options.times(options.scale)}`;
          return (
            <li key={id}>
              <button type="button" class="entry" onClick={() => actions.show(id)}>
                <strong>{name}</strong>
                <span class="soft">
                  {STRINGS.size(result.picture.width, result.picture.height)} · {TEXT.when(created)}
                </span>
              </button>
              <IconButton name={TEXT.remove(name)} onClick={() => actions.remove(id)}>
                <Cross />
              </IconButton>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
