/** A command for the terminal, with a button that copies it. */
import { STRINGS } from '../strings.ts';
import { CopyButton } from './copy-button.tsx';

export function Command({ text }: { readonly text: string }) {
  return (
    <p class="command">
      <code>{text}</code>
      <CopyButton text={text} name={STRINGS.copy.command(text)} />
    </p>
  );
}
