/**
 * Amounts for a person, in the unit in which they say something.
 */

/** `16.8 megapixels`, `320 pixels`. */
export const pixelsInWords = (pixels: number): string =>
  pixels < 1e6 ? `${pixels} pixels` : `${(pixels / 1e6).toFixed(1)} megapixels`;

/** `3.9 GB`, `200 MB`. */
export const bytesInWords = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
