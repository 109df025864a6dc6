/**
 * `kernelfusion kernel show`: what a kernel file holds, in numbers and as a picture made of characters.
 */
import path from 'node:path';
import { centreOfMass, type Kernel, type Scale } from '../../shared/kernel.ts';
import type { Sense } from '../../shared/kernel-formats/format.ts';
import { principalAxes } from '../kernel-axes.ts';
import type { CommandResult } from './command-result.ts';
import { readKernelFile } from './kernel-file.ts';

export interface ShowRequest {
  readonly kernel: string;
  readonly scale?: Scale;
  readonly sense?: Sense;
}

/** From nothing to the largest value. */
const SHADES = ' .:-=+*#%@';

/** Throws what `readKernelFile` throws. */
export async function showKernel({ kernel: file, scale, sense }: ShowRequest): Promise<CommandResult> {
  const options = { ...(scale && { scale }), ...(sense && { sense }) };
  const { kernel, format, origin, notes } = await readKernelFile(file, options);
  // The kernel's `confidence` is 0 to 1; null: the file does not tell it.
  const data = { format: format.id, ...measure(kernel), confidence: origin.confidence ?? null, notes };
  return { data, text: inWords(path.basename(file), format.label, kernel, data), exitCode: 0 };
}

/** What there is to say of a kernel, in HR pixels: `centreOfMass` [down, right] of its centre; its axes (kernel-axes.ts). */
function measure(kernel: Kernel) {
  const { size, scale, data } = kernel;
  return {
    size,
    scale,
    centreOfMass: centreOfMass(kernel),
    ...principalAxes(kernel),
    smallest: data.reduce((a, b) => Math.min(a, b)),
    largest: data.reduce((a, b) => Math.max(a, b)),
  };
}

/** Two characters a value, for characters are twice as high as wide; negative values are `o`. */
export function drawKernel({ size, data }: Kernel): string {
  const largest = data.reduce((a, b) => Math.max(a, b));
  const shade = (value: number) =>
    value < -largest / 20 ? 'o' : SHADES[Math.round((Math.max(0, value) / largest) * (SHADES.length - 1))];
  const lines = Array.from({ length: size }, (_, r) =>
    Array.from(data.subarray(r * size, (r + 1) * size), (value) => shade(value).repeat(2)).join(''),
  );
  const edge = `+${'-'.repeat(2 * size)}+`;
  return [edge, ...lines.map((line) => `|${line}|`), edge].join('\n');
}

function inWords(
  name: string,
  label: string,
  kernel: Kernel,
  found: ReturnType<typeof measure> & { confidence: number | null; notes: readonly string[] },
): string {
  const { size, scale, centreOfMass: mass, spread, angle, smallest, largest, confidence, notes } = found;
  const number = (value: number) => Number(value.toPrecision(3)).toString();
  const [down, right] = mass.map((value) => (Math.abs(value) < 0.005 ? '0' : value.toFixed(2)));
  const lines = [
    `${name}: ${label}, ${size} x ${size} values, for scale ${scale}`,
    `Centre of mass: ${right} pixels right and ${down} down of the centre`,
    `Spread: ${spread[0].toFixed(2)} pixels along ${angle.toFixed(0)} degrees, ${spread[1].toFixed(2)} across (standard deviations)`,
    `Values: ${number(smallest)} to ${number(largest)}, sum 1`,
    ...(confidence === null ? [] : [`Confidence: ${Math.round(100 * confidence)} %`]),
    ...notes.map((note) => `Note: ${note}`),
    'In correlation sense, the weights a pixel is averaged with:',
    drawKernel(kernel),
  ];
  return `${lines.join('\n')}\n`;
}
