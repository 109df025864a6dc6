/**
 * Draws the extension's icons (PNG, for Chrome takes no SVG) from extension/icons/icon.svg, a motion-blur kernel. Run it by
 * hand when the drawing changes: `node scripts/icons.mjs`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { root } from './steps.mjs';

const folder = path.join(root, 'extension', 'icons');
const drawing = await readFile(path.join(folder, 'icon.svg'));
for (const side of [16, 32, 48, 128]) {
  // The drawing is 16 units wide: 72 dots an inch make 16 pixels of it.
  const icon = sharp(drawing, { density: (72 * side) / 16 }).resize(side, side);
  await icon.png({ compressionLevel: 9 }).toFile(path.join(folder, `${side}.png`));
}
