/** Copies a text. Where the browser refuses, the button says so: the text stands beside it. */
import { useState } from 'preact/hooks';
import { STRINGS } from '../strings.ts';

const { copy: TEXT } = STRINGS;

interface CopyProps {
  readonly text: string;
  /** What the button says before it was pressed; begins with `TEXT.copy`. */
  readonly label?: string;
  /** What it is called, where that is not what it says. */
  readonly name?: string;
}

export function CopyButton({ text, label = TEXT.copy, name }: CopyProps) {
  const [outcome, setOutcome] = useState<{ of: string; says: string } | null>(null);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setOutcome({ of: text, says: TEXT.copied }),
      () => setOutcome({ of: text, says: TEXT.notCopied }),
    );
  // Another text has not been copied yet.
  const says = outcome?.of === text ? outcome.says : label;
  return (
    <button
      type="button"
      class="quiet"
      aria-label={says === label ? name : undefined}
      aria-live="polite"
      onClick={copy}
    >
      {says}
    </button>
  );
}
