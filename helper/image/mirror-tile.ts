/**
 * A square layer of any side out of a smaller picture: the picture in the middle, mirrored on and on where it ends. Mirrored
 * edges meet without a seam, so a large layer has the content of the small one and no edges of its own.
 */
import { mirror } from '../kernelfusion/fourier.ts';
import type { Layer } from '../kernelfusion/method.ts';
import { makePlanes, type Planes, planeOf } from './planes.ts';

/** `side` x `side` pixels; where `side` is smaller than the picture, its middle. */
export function mirrorTile({ colour, alpha }: Layer, side: number): Layer {
  return { colour: tilePlanes(colour, side), alpha: alpha && tilePlanes(alpha, side) };
}

function tilePlanes(planes: Planes, side: number): Planes {
  const rows = sources(planes.height, side);
  const columns = sources(planes.width, side);
  const out = makePlanes(side, side, planes.channels);
  for (let c = 0; c < planes.channels; c++) {
    const from = planeOf(planes, c);
    const to = planeOf(out, c);
    rows.forEach((row, y) => {
      columns.forEach((column, x) => {
        to[y * side + x] = from[row * planes.width + column];
      });
    });
  }
  return out;
}

/** Which of `length` pixels each of `side` shows. */
function sources(length: number, side: number): number[] {
  const start = Math.floor((length - side) / 2);
  return Array.from({ length: side }, (_, i) => mirror(start + i, length));
}
