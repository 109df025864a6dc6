/** Where a lens lies on a picture. Places are shares of the picture's width and height, 0..1. */

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels of the enlarged picture that a lens shows, across and down. */
export const LENS_SIDE = 48;

/** What a lens shows whose middle is at `spot`, or as near to it as a lens can be that leaves the picture nowhere. */
export function lensArea({ x, y }: Spot, picture: { readonly width: number; readonly height: number }): Area {
  const side = Math.min(LENS_SIDE, picture.width, picture.height);
  const [width, height] = [side / picture.width, side / picture.height];
  const start = (middle: number, extent: number) => Math.min(1 - extent, Math.max(0, middle - extent / 2));
  return { left: start(x, width), top: start(y, height), width, height };
}

/** The spot in the middle of an area moved by shares of the picture, kept where a lens can be. */
export function moved({ left, top, width, height }: Area, [dx, dy]: readonly [number, number]): Spot {
  const within = (middle: number, extent: number) => Math.min(1 - extent / 2, Math.max(extent / 2, middle));
  return { x: within(left + width / 2 + dx, width), y: within(top + height / 2 + dy, height) };
}

/** Shares that a press of a key moves the lens by; five times as many with the shift key. */
const STEP = 0.02;
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ...{ ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] },
  ...{ Home: [-1, 0], End: [1, 0], PageUp: [0, -1], PageDown: [0, 1] },
};

/** What a key does to the lens, or null. */
export function moveOf({ key, shiftKey }: Pick<KeyboardEvent, 'key' | 'shiftKey'>): readonly [number, number] | null {
  const move = Object.hasOwn(MOVES, key) ? MOVES[key] : null;
  return move && shiftKey ? [5 * move[0], 5 * move[1]] : move;
}
