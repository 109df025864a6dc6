/** A job under way: what it does, how far it is, the picture and the kernel taking shape, and the way out. */
import type { PanelActions, Work } from '../state.ts';
import { STRINGS } from '../strings.ts';
import { PictureView } from './picture.tsx';
import { KernelMap } from './result/kernel-map.tsx';

const { work: TEXT } = STRINGS;

/** The state in words, also for those who hear it. */
export function phaseOf(work: Work): string {
  switch (work.is) {
    case 'idle':
    case 'failed':
      return '';
    case 'reading':
      return TEXT.reading;
    case 'uploading':
      return TEXT.uploading;
    case 'queued':
      return work.shortage ? TEXT.short : TEXT.queued(work.position);
    case 'running':
      return work.progress ? TEXT.phase(work.progress.phase) : TEXT.queued(0);
    case 'away':
      return TEXT.away;
    case 'fetching':
      return TEXT.fetching;
    case 'inserting':
      return TEXT.inserting;
    case 'cancelling':
      return TEXT.cancelling;
    case 'done':
      return work.record.inserted ? STRINGS.done.inserted : STRINGS.done.done;
    default:
      return work satisfies never;
  }
}

const shareOf = (work: Work): number | null => {
  if ('share' in work) return work.share;
  return work.is === 'running' ? (work.progress?.fraction ?? null) : null;
};

export function Progress({ work, actions }: { readonly work: Work; readonly actions: PanelActions }) {
  const share = shareOf(work);
  const running = work.is === 'running' ? work : null;
  const eta = running?.progress?.etaSeconds ?? null;
  return (
    <section class="card" aria-label={TEXT.heading}>
      <header class="between">
        <strong>{phaseOf(work)}</strong>
        <span class="soft">{share === null ? '' : STRINGS.percent(share)}</span>
      </header>
      <progress aria-label={TEXT.heading} max={1} {...(share !== null && { value: share })} />
      {running && (running.preview || running.kernel) && (
        <div class="shaping">
          {running.preview && (
            <figure>
              <PictureView picture={running.preview} label={TEXT.preview} />
              <figcaption>{TEXT.preview}</figcaption>
            </figure>
          )}
          {running.kernel && (
            <figure>
              <KernelMap kernel={running.kernel} label={TEXT.kernel} />
              <figcaption>{TEXT.kernel}</figcaption>
            </figure>
          )}
        </div>
      )}
      {running?.progress?.note && <p class="soft">{running.progress.note}</p>}
      {work.is === 'queued' && work.shortage && (
        <p class="soft">
          {work.shortage.sentence} {TEXT.shortHelp}
        </p>
      )}
      {work.is === 'away' && <p class="soft">{STRINGS.helper.away}</p>}
      <footer class="between">
        <span class="soft">{eta === null ? '' : TEXT.eta(eta)}</span>
        <button type="button" onClick={actions.cancel} disabled={work.is === 'cancelling'}>
          {TEXT.cancel}
        </button>
      </footer>
    </section>
  );
}
