/**
 * Pairs for benchmarks, and a method that costs nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Upscale } from '../../helper/commands/bench-quality.ts';
import { enlargeBicubic } from '../../helper/image/enlarge.ts';
import { bicubicKernel, makeKernel } from '../../shared/kernel.ts';
import { writeNpy } from '../../shared/kernel-formats/npy.ts';

/** A kernel no one would guess. */
export const RAMP = makeKernel(4, 2, [0, 1, 1, 0, 0, 3, 1, 0, 0, 3, 1, 0, 0, 1, 1, 0]);

/** A folder as `bench quality` wants it: a pattern of 48 x 40 pixels, and it reduced to half. */
export async function makePair(folder: string, alpha = false): Promise<void> {
  await mkdir(folder, { recursive: true });
  const channels = alpha ? 4 : 3;
  const pixels = Buffer.from(
    Array.from({ length: 48 * 40 * channels }, (_, i) => 120 + 90 * Math.sin(i / 31) * Math.cos(i / 977)),
  );
  const picture = sharp(pixels, { raw: { width: 48, height: 40, channels } });
  await picture.clone().png().toFile(path.join(folder, 'hr.png'));
  await picture.clone().resize(24, 20).png().toFile(path.join(folder, 'lr.png'));
  await writeFile(path.join(folder, 'kernel.npy'), writeNpy(RAMP));
  await writeFile(path.join(folder, 'meta.json'), JSON.stringify({ scale: 2 }));
}

/** Enlarges by bicubic interpolation and claims the kernel it is given, or a point. */
export const plain: Upscale = async ({ colour, alpha }, { scale }, { kernel }) => ({
  result: {
    layer: { colour: enlargeBicubic(colour, scale), alpha: alpha && enlargeBicubic(alpha, scale) },
    kernel: kernel ?? bicubicKernel(scale),
    kernelSource: kernel ? 'given' : 'bicubic',
    confidence: null,
    notes: ['Taken as it is, "so to say".'],
    noise: 0,
    lrConsistency: 40,
    losses: [],
    kernels: [],
  },
  timings: { prior: 1, kernel: 2, image: 3, alpha: 0, total: 6 },
});
