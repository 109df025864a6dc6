/**
 * The density an EXIF block states, for the one format (WebP) that has no other place for it and where libvips does not look.
 *
 * EXIF is a TIFF header and a list of 12-byte entries (CIPA DC-008, section 4.6): tag, type, count, value or its offset.
 */

const X_RESOLUTION = 282;
const RESOLUTION_UNIT = 296;
const RATIONAL = 5;
const SHORT = 3;
const CENTIMETRE = 3;

/** Pixels an inch, rounded; `null` where the block does not say or is not well formed. Never throws. */
export function exifDensity(exif: Uint8Array): number | null {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  // "Exif\0\0" comes first in JPEG, and in WebP files of some writers.
  const start = String.fromCharCode(...exif.subarray(0, 4)) === 'Exif' ? 6 : 0;
  try {
    const little = view.getUint16(start) === 0x4949;
    const short = (at: number) => view.getUint16(start + at, little);
    const long = (at: number) => view.getUint32(start + at, little);
    let resolution = 0;
    let inches = 1;
    const directory = long(4);
    for (let i = 0; i < short(directory); i++) {
      const entry = directory + 2 + 12 * i;
      const [tag, type] = [short(entry), short(entry + 2)];
      const value = entry + 8;
      if (tag === X_RESOLUTION && type === RATIONAL) resolution = long(long(value)) / long(long(value) + 4);
      if (tag === RESOLUTION_UNIT && type === SHORT && short(value) === CENTIMETRE) inches = 2.54;
    }
    const density = Math.round(resolution * inches);
    return Number.isFinite(density) && density > 0 ? density : null;
  } catch (error) {
    if (error instanceof RangeError) return null; // an offset that points outside the block
    throw error;
  }
}
