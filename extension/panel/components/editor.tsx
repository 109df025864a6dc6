/** The editor in the tab and its active layer; or how to let us into one. */
import { LEAST_SIDE } from '../../../shared/protocol/limits.ts';
import { SITES } from '../sites.ts';
import type { EditorState, PanelActions, PanelState } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Again, IconButton } from './icons.tsx';
import { Notice } from './notice.tsx';
import { PictureView } from './picture.tsx';

const { editor: TEXT } = STRINGS;

interface EditorProps {
  readonly editor: EditorState;
  readonly selfTest: PanelState['selfTest'];
  readonly scale: number;
  readonly actions: PanelActions;
}

/** Why the layer cannot be worked on, or null. */
export function whyNot(editor: EditorState): string | null {
  if (editor.is !== 'ready') return null;
  if (!editor.layer) return TEXT.noLayer;
  if (editor.layer.refusal !== null) return editor.layer.refusal;
  return Math.min(editor.layer.width, editor.layer.height) < LEAST_SIDE ? TEXT.tooSmall(LEAST_SIDE) : null;
}

export function EditorCard({ editor, selfTest, scale, actions }: EditorProps) {
  if (editor.is === 'connecting') {
    return (
      <section class="card" aria-label={TEXT.heading}>
        <p class="soft">{TEXT.connecting}…</p>
      </section>
    );
  }
  if (editor.is === 'none') return <NoEditor failure={editor.failure} actions={actions} />;
  const { layer, thumbnail, document } = editor;
  const why = whyNot(editor);
  return (
    <section class="card" aria-labelledby="layer">
      <header class="between">
        <h2 id="layer">{TEXT.heading}</h2>
        <span class="soft">{TEXT.name(editor.name)}</span>
        <IconButton name={TEXT.refresh} onClick={actions.refresh}>
          <Again />
        </IconButton>
      </header>
      <div class="layer">
        <div class="thumbnail">
          {layer && thumbnail && <PictureView picture={thumbnail} label={TEXT.thumbnail(layer.name)} />}
        </div>
        <div class="about">
          {layer && <strong>{layer.name}</strong>}
          {layer && <span>{STRINGS.size(layer.width, layer.height)}</span>}
          {layer && !why && <span class="soft">{TEXT.becomes(layer.width * scale, layer.height * scale)}</span>}
          <span class="soft">{document.name}</span>
        </div>
      </div>
      {why && <p class="hint">{why}</p>}
      {editor.hasSelfTest && (
        <details>
          <summary>{TEXT.selfTest}</summary>
          <div class="stack">
            <p class="soft">{TEXT.selfTestHelp}</p>
            <button type="button" onClick={actions.runSelfTest}>
              {TEXT.startSelfTest}
            </button>
            {selfTest && (
              <ul class="steps" aria-live="polite">
                {selfTest.map(({ step, ok, detail }) => (
                  <li key={step}>
                    <span class={ok ? 'good' : 'bad'}>
                      <span aria-hidden="true">{ok ? '✓' : '✗'} </span>
                      <span class="spoken">{ok ? TEXT.passed : TEXT.failed} </span>
                      {step}
                    </span>{' '}
                    <span class="soft">{detail}</span>
                  </li>
                ))}
              </ul>
            )}
          </div>
        </details>
      )}
    </section>
  );
}

function NoEditor({ failure, actions }: Pick<EditorState & { is: 'none' }, 'failure'> & { actions: PanelActions }) {
  const isForbidden = failure.code === 'NO_PERMISSION';
  return (
    <section class="card" aria-labelledby="layer">
      <h2 id="layer">{isForbidden ? TEXT.noPermission : TEXT.none}</h2>
      {isForbidden ? <p>{TEXT.clickButton}</p> : <Notice failure={failure} />}
      {!isForbidden && <p class="soft">{TEXT.editors}</p>}
      <div class="row">
        <button type="button" onClick={actions.reconnect}>
          {STRINGS.tryAgain}
        </button>
      </div>
      {isForbidden && (
        <>
          <p class="soft">{TEXT.allowAlways}</p>
          <div class="row">
            {SITES.map(({ name, origin }) => (
              <button key={origin} type="button" aria-label={TEXT.allow(name)} onClick={() => actions.allow(origin)}>
                {name}
              </button>
            ))}
          </div>
        </>
      )}
    </section>
  );
}
