/**
 * Which format a file is, from its first bytes: only files of the formats we mean to read ever reach a decoder (sharp would
 * also open SVG, which is a program more than a picture, and whatever else its build happens to hold).
 */

export const INPUT_FORMATS = ['png', 'jpeg', 'webp', 'tiff', 'gif'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

const ascii = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
const startsWith = (bytes: Uint8Array, ...head: number[]) => head.every((b, i) => bytes[i] === b);

/** The format; `other` for a picture of a kind we do not read; `null` for anything else. */
export function sniff(bytes: Uint8Array): InputFormat | 'other' | null {
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (startsWith(bytes, 0xff, 0xd8, 0xff)) return 'jpeg';
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'webp';
  // Classic and big TIFF, in either byte order.
  if (['II*\0', 'II+\0', 'MM\0*', 'MM\0+'].includes(ascii(bytes, 0, 4))) return 'tiff';
  if (['GIF87a', 'GIF89a'].includes(ascii(bytes, 0, 6))) return 'gif';
  return isOtherPicture(bytes) ? 'other' : null;
}

/** Well-known pictures we do not read, so that the person is told to convert the file and not that it is broken. */
function isOtherPicture(bytes: Uint8Array): boolean {
  const head = ascii(bytes, 0, 256).trimStart();
  return (
    ascii(bytes, 4, 8) === 'ftyp' || // AVIF, HEIC
    startsWith(bytes, 0xff, 0x0a) || // JPEG XL
    ['BM', '8BPS', '%PDF', 'qoif', '<svg', '<?xml'].some((magic) => head.startsWith(magic)) ||
    ascii(bytes, 4, 8) === 'JXL ' ||
    ascii(bytes, 4, 8) === 'jP  '
  );
}

/**
 * Whether a PNG is animated: an `acTL` chunk before the first `IDAT` (PNG 3rd edition, 11.3.6.1). libvips only ever sees the
 * first frame and does not say so.
 */
export function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // A chunk is length (4 bytes), type (4), data, checksum (4); the first follows the signature of 8.
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = ascii(bytes, at + 4, at + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
  }
  return false;
}
