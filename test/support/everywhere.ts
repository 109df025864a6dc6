import type { Planes } from '../../helper/image/planes.ts';

/** `usable` for layers all of whose pixels are. */
export function everywhere({ width, height }: Planes): Uint8Array {
  return new Uint8Array(width * height).fill(1);
}
