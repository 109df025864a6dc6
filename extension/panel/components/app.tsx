/** The whole panel, drawn from its state alone. */
import { useEffect, useRef } from 'preact/hooks';
import { isBusy, type PanelActions, type PanelState } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { Done } from './done.tsx';
import { EditorCard, whyNot } from './editor.tsx';
import { HelperCard } from './helper.tsx';
import { History } from './history.tsx';
import { Notice } from './notice.tsx';
import { Options, scaleRefusal } from './options.tsx';
import { Progress, phaseOf } from './progress.tsx';

interface AppProps {
  readonly state: PanelState;
  readonly actions: PanelActions;
}

export function App({ state, actions }: AppProps) {
  const { helper, editor, work, settings } = state;
  const place = useKeptFocus([helper.is, editor.is, work.is, state.history.length, state.kernel?.name].join());
  return (
    <>
      <header class="top">
        <h1>{STRINGS.title}</h1>
        <span class={`lamp ${helper.is}`} title={helper.is === 'ready' ? helper.name : undefined}>
          {STRINGS.helper.lamp[helper.is]}
        </span>
      </header>
      <p class="spoken" role="status">
        {phaseOf(work)}
      </p>
      <HelperCard helper={helper} port={settings.port} actions={actions} />
      <div ref={place} tabIndex={-1} class="stack">
        {work.is === 'done' ? (
          <Done work={work} canInsert={editor.is === 'ready'} actions={actions} />
        ) : (
          <EditorCard editor={editor} selfTest={state.selfTest} scale={settings.scale} actions={actions} />
        )}
        {isBusy(work) && <Progress work={work} actions={actions} />}
        {work.is === 'failed' && (
          <Notice title={STRINGS.work.failed} failure={work.failure}>
            <button type="button" onClick={actions.close}>
              {STRINGS.dismiss}
            </button>
          </Notice>
        )}
        {(work.is === 'idle' || work.is === 'failed') && <Start state={state} actions={actions} />}
        {!isBusy(work) && <History history={state.history} actions={actions} />}
      </div>
    </>
  );
}

/** Where the keyboard goes on when what was focused has gone with the state it belonged to: not at the top of the page. */
function useKeptFocus(state: string) {
  const place = useRef<HTMLDivElement>(null);
  const isOpening = useRef(true);
  useEffect(() => {
    if (!isOpening.current && document.activeElement === document.body) place.current?.focus({ preventScroll: true });
    isOpening.current = false;
  }, [state]);
  return place;
}

/** The options and the one button. */
function Start({ state, actions }: AppProps) {
  const { helper, editor, settings, estimate } = state;
  if (editor.is !== 'ready') return null;
  const isRefused = estimate.is === 'known' && estimate.estimate.refusal !== null;
  const canStart =
    helper.is === 'ready' &&
    whyNot(editor) === null &&
    scaleRefusal(editor, state.kernel, settings.scale) === null &&
    !isRefused;
  return (
    <>
      <Options state={state} editor={editor} actions={actions} />
      <button type="button" class="main go" disabled={!canStart} onClick={actions.upscale}>
        {STRINGS.work.upscale}
      </button>
    </>
  );
}
