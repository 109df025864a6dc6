/** Drawings on buttons, in the colour of their text. The buttons have names of their own. */
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
export const Cross = () => <Icon path="M4 4l8 8M12 4l-8 8" />;
