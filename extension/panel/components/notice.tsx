/** Something went wrong: what, what to do, and the code to report it by. */
import type { ComponentChildren } from 'preact';
import type { Failure } from '../state.ts';
import { STRINGS } from '../strings.ts';

interface NoticeProps {
  readonly title?: string;
  readonly failure: Failure;
  /** What the person can do about it. */
  readonly children?: ComponentChildren;
}

export function Notice({ title, failure, children }: NoticeProps) {
  return (
    <div class="notice" role="alert">
      {title && <strong>{title}</strong>}
      <p>{failure.sentence}</p>
      <p class="code">{STRINGS.work.code(failure.code)}</p>
      {children && <div class="row">{children}</div>}
    </div>
  );
}
