/** A job that is done: the picture beside the original, and what can be done with it. */
import type { PanelActions, Work } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Notice } from './notice.tsx';
import { ResultView } from './result/result.tsx';

const { done: TEXT } = STRINGS;

interface DoneProps {
  readonly work: Work & { is: 'done' };
  readonly canInsert: boolean;
  readonly actions: PanelActions;
}

export function Done({ work, canInsert, actions }: DoneProps) {
  const { record, canUndo, trouble } = work;
  const { picture, kernel, facts } = record.result;
  return (
    <section class="card" aria-labelledby="done">
      <header class="between">
        <h2 id="done">{TEXT.heading}</h2>
        <span class="soft">
          {record.layer.name} {STRINGS.options.times(record.options.scale)}
        </span>
      </header>
      <p class={record.inserted ? 'good' : ''}>{record.inserted ? TEXT.inserted : TEXT.done}</p>
      {record.inserted?.note && <p class="hint">{record.inserted.note}</p>}
      {trouble && <Notice title={TEXT.trouble[trouble.with]} failure={trouble} />}
      <div class="row">
        <button type="button" class={record.inserted ? '' : 'main'} onClick={actions.insert} disabled={!canInsert}>
          {record.inserted ? TEXT.insertAgain : TEXT.insert}
        </button>
        {canUndo && (
          <button type="button" onClick={actions.undo}>
            {TEXT.undo}
          </button>
        )}
        <button type="button" class={record.inserted ? 'main' : ''} onClick={actions.close}>
          {TEXT.close}
        </button>
      </div>
      <ResultView
        key={record.id}
        original={record.original}
        enlarged={picture}
        kernel={kernel}
        facts={facts}
        options={record.options}
        name={record.layer.name}
        onUseKernel={(chosen) => {
          actions.setKernel({ kernel: chosen, name: record.layer.name, notes: [] });
          actions.close();
        }}
      />
    </section>
  );
}
