/** Buttons that show a drawing, in the colour of their text, and have a name to be read or heard. */
import type { ComponentChildren } from 'preact';

interface IconButtonProps {
  readonly name: string;
  readonly children: ComponentChildren;
  onClick(): void;
}

export function IconButton({ name, children, onClick }: IconButtonProps) {
  return (
    <button type="button" class="quiet icon" title={name} aria-label={name} onClick={onClick}>
      {children}
    </button>
  );
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path
        d={path}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

export const Again = () => <Icon path="M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 2v3h-3" />;
export const HalfTurn = () => <Icon path="M3 11a5 5 0 0 1 9.4-2.4M13 4.6v4.1H8.9" />;
export const Cross = () => <Icon path="M4 4l8 8M12 4l-8 8" />;
