/** The Photopea double within a Node test: pictures by sharp, messages by function calls. */
import sharp from 'sharp';
import type { Message, PhotopeaPort } from '../../../extension/editors/photopea/port.ts';
import { type Codec, PhotopeaDouble, type Quirks } from './double.ts';

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
