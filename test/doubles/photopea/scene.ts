/** Documents to try things on, the same in Node and in a browser. */
import type { PhotopeaDouble } from './double.ts';
import { layer, newDocument, type Picture } from './model.ts';

/** A picture of which every pixel differs, a third of them half transparent, none wholly, corner to corner. */
export function colourful(width: number, height: number, seed = 0): Picture {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const n = i + seed;
    rgba.set([(n * 37) % 256, (n * 91 + 5) % 256, (n * 53 + 200) % 256, n % 3 === 0 ? 120 : 255], 4 * i);
  }
  return { width, height, rgba };
}

export function plain(width: number, height: number, colour: readonly [number, number, number, number]): Picture {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) rgba.set(colour, 4 * i);
  return { width, height, rgba };
}

/** A document of 20 × 15 with one layer of each sort that matters; the sprite is active. */
export function poster(double: PhotopeaDouble) {
  const layers = {
    sprite: layer({ name: 'sprite', picture: colourful(8, 6), x: 3, y: 2, opacity: 60, blendMode: 'mul' }),
    curves: layer({ name: 'curves', kind: 'CURVES' }),
    title: layer({ name: 'title', kind: 'TEXT', picture: plain(5, 3, [10, 20, 30, 255]), x: 1, y: 10 }),
    inner: layer({ name: 'inner', picture: colourful(4, 4, 9), x: 10, y: 8 }),
    hidden: layer({ name: 'hidden', picture: colourful(3, 3, 4), x: 12, y: 1, visible: false }),
    turned: layer({ name: 'turned', kind: 'SMARTOBJECT', picture: colourful(6, 2, 7), x: 14, y: 4, turns: 1 }),
    outside: layer({ name: 'outside', picture: colourful(7, 5, 2), x: -3, y: 12 }),
    empty: layer({ name: 'empty' }),
    background: layer({ name: 'Background', picture: plain(20, 15, [255, 255, 255, 255]), locked: true }),
  };
  const group = layer({ name: 'group', children: [layers.inner, layers.hidden], opacity: 50 });
  const doc = newDocument('poster.psd', 20, 15, [
    ...[layers.sprite, layers.curves, layers.title, group, layers.turned, layers.outside, layers.empty],
    layers.background,
  ]);
  double.application.docs.push(doc);
  double.application.active = double.application.docs.length - 1;
  return { doc, layers: { ...layers, group } };
}
