/** The Photopea double within a Node test: pictures by sharp, messages by function calls. */
import sharp from 'sharp';
import type { Message, PhotopeaPort } from '../../../extension/editors/photopea/port.ts';
import { type Codec, PhotopeaDouble, type Quirks } from './double.ts';
import { layer, newDocument, type Picture } from './model.ts';

const sharpCodec: Codec = {
  async encode({ width, height, rgba }) {
    const file = await sharp(rgba, { raw: { width, height, channels: 4 } })
      .png()
      .toBuffer();
    return Uint8Array.from(file).buffer;
  },
  async decode(bytes) {
    const { data, info } = await sharp(Buffer.from(bytes)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgba: Uint8ClampedArray.from(data) };
  },
};

export function photopeaDouble(quirks: Quirks = {}): PhotopeaDouble {
  return Object.assign(new PhotopeaDouble(sharpCodec), { quirks });
}

/** A way to the double; answers that come after the port was closed are lost, as in a page. */
export function portTo(double: PhotopeaDouble, way: PhotopeaPort['way'] = 'shim'): PhotopeaPort {
  return {
    way,
    async open(onAnswer) {
      let listening = true;
      const hear = (message: Message) => {
        if (listening) onAnswer(message);
      };
      return {
        send: (message) => double.receive(message, hear),
        close: () => {
          listening = false;
        },
      };
    },
  };
}

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
