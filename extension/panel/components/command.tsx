/** A command for the terminal, with a button that copies it. */
import { useState } from 'preact/hooks';
import { STRINGS } from '../strings.ts';

export function Command({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <p class="command">
      <code>{text}</code>
      <button type="button" class="quiet" aria-label={STRINGS.helper.copyCommand(text)} onClick={copy}>
        {isCopied ? STRINGS.helper.copied : STRINGS.helper.copy}
      </button>
    </p>
  );
}
