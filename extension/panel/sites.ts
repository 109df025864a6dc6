/**
 * Where the editors are hosted by their makers: what the panel may ask permission for. An editor hosted elsewhere is reached
 * by the toolbar button, which lets us into the tab it was clicked in.
 */
export interface Site {
  readonly name: string;
  /** A match pattern, among the manifest's `optional_host_permissions`. */
  readonly origin: string;
}

export const SITES: readonly Site[] = [
  { name: 'Photopea', origin: 'https://www.photopea.com/*' },
  { name: 'miniPaint', origin: 'https://viliusle.github.io/*' },
  { name: 'Piskel', origin: 'https://www.piskelapp.com/*' },
];
