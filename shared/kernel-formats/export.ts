/**
 * A kernel on its way out: grid, centring, side, sense and sign as the file's reader expects them, then the format's own writer.
 */
import { KernelFusionError } from '../errors.ts';
import { flip, type Kernel, makeKernel, resizeSide, type Scale } from '../kernel.ts';
import { largestKernel } from '../protocol/limits.ts';
import type { About, Centring, Grid, KernelFormat, Origin } from './format.ts';
import { centre, halfPixel, hasParity, toGrid } from './placing.ts';

export interface ExportOptions extends Origin {
  /** `hr` unless told otherwise. */
  readonly grid?: Grid;
  /** As the format is unless told otherwise. */
  readonly centring?: Centring;
}

export interface Exported {
  readonly bytes: Uint8Array;
  /** Sentences for the person: what of the kernel the format cannot hold. */
  readonly notes: readonly string[];
}

/**
 * The kernel as a file. Throws `BAD_OPTION` where the format is always centred and something else is asked for, `BAD_KERNEL`
 * where nothing positive is left of the kernel on the side or with the sign the format holds.
 */
export function exportKernel(kernel: Kernel, format: KernelFormat, options: ExportOptions = {}): Exported {
  const { grid = 'hr', centring = format.centring, ...rest } = options;
  if (format.sides && centring !== 'middle') {
    throw new KernelFusionError('BAD_OPTION', `The format ${format.label} is always centred in the middle.`);
  }
  const notes: string[] = [];
  const fitting = grid === 'lr' || centring === 'corner' ? fitted(kernel, notes) : kernel;
  const placed = centre(toGrid(fitting, grid), centring);
  const sided = format.sides ? cut(placed, format.sides, notes) : placed;
  const signed = format.unsigned ? withoutNegative(sided, format.label, notes) : sided;
  if (format.reader) tellIfTooLarge(signed.size, centring === 'corner' ? signed.scale - 1 : 0, signed.scale, notes);
  const about: About = { scale: kernel.scale, sense: format.sense, grid, centring, ...rest };
  return { bytes: format.write(format.sense === 'convolution' ? flip(signed) : signed, about), notes };
}

/** `padding`: values a side that are taken off when it is read (`fromCorner`). */
function tellIfTooLarge(side: number, padding: number, scale: Scale, notes: string[]): void {
  const largest = largestKernel(scale) + padding;
  if (side > largest) {
    notes.push(
      `With ${side} x ${side} values it is for other programs: KernelFusion itself reads up to ${largest} x ${largest}.`,
    );
  }
}

/** With a side of the scale's parity, which LR pixels can be counted in. */
function fitted(kernel: Kernel, notes: string[]): Kernel {
  if (hasParity(kernel)) return kernel;
  const { size, scale } = kernel;
  notes.push(
    `The kernel's side (${size}) and the scale (${scale}) differ in parity, so its values were interpolated half a pixel further, ` +
      `on a side of ${size + 1}: its centre stays, and it is a little softer.`,
  );
  return halfPixel(kernel);
}

/** The smallest of the sides that holds the kernel; where none does, the middle of it on the largest. */
function cut(kernel: Kernel, sides: readonly number[], notes: string[]): Kernel {
  const side = sides.find((s) => s >= kernel.size) ?? sides[sides.length - 1];
  if (side < kernel.size) {
    const margin = (kernel.size - side) / 2;
    const isInside = (i: number) => Math.abs(i - (kernel.size - 1) / 2) <= (side - 1) / 2;
    const inside = kernel.data.filter((_, i) => isInside(Math.floor(i / kernel.size)) && isInside(i % kernel.size));
    notes.push(
      `Only the middle ${side} x ${side} of ${kernel.size} x ${kernel.size} values fit (${margin} are cut off on each side): ` +
        `they hold ${percent(inside.reduce((a, b) => a + b, 0))} of the blur.`,
    );
  }
  return resizeSide(kernel, side);
}

function withoutNegative(kernel: Kernel, label: string, notes: string[]): Kernel {
  const lost = kernel.data.reduce((sum, value) => sum - Math.min(0, value), 0);
  if (lost === 0) return kernel;
  notes.push(`${label} holds no negative values: those of the kernel (${percent(lost)} of its sum) became 0.`);
  return makeKernel(
    kernel.size,
    kernel.scale,
    kernel.data.map((value) => Math.max(0, value)),
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
