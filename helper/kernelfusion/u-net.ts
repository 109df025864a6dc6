/**
 * The U-Net of KernelFusion's second phase (arXiv 2503.21907, section 4.2): untrained, as in Deep Image Prior (Ulyanov et al.
 * 2018), it knows what is large where patch diffusion only knows patches.
 *
 * Each level has two 3x3 convolutions down and, after the level below was enlarged and joined with them, two up. It returns
 * x + net(x) with an output layer that starts at zero, so that it begins by changing nothing: on small layers there are too
 * few steps to learn the picture itself first. No normalisation: it hurts super-resolution nets (EDSR, Lim et al. 2017).
 */
import type { GraphBuilder, Tensor } from '../tensor/graph.ts';
import { layOut, type ParameterLayout } from '../tensor/parameters.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';

export interface UNetSize {
  /** Feature planes of each level, from full size down; every level has half the side of the one above. */
  readonly widths: readonly number[];
  /** Colour planes of the picture: 1 or 3. */
  readonly channels: number;
}

/** The published widths. */
export const PAPER_WIDTHS = [32, 64, 128, 256, 512] as const;

/** Sides of the pictures must be multiples of this. */
export const sideMultiple = ({ widths }: Pick<UNetSize, 'widths'>): number => 2 ** (widths.length - 1);

const convolution = (name: string, out: number, into: number, side: number): [string, Shape][] => [
  [`${name}.weight`, [out, into, side, side]],
  [`${name}.bias`, [out]],
];

/** Names, shapes and places of the parameters in the flat vector. */
export function uNetLayout({ widths, channels }: UNetSize): ParameterLayout {
  const down = widths.flatMap((width, level) => [
    ...convolution(`down${level}.conv1`, width, level === 0 ? channels : widths[level - 1], 3),
    ...convolution(`down${level}.conv2`, width, width, 3),
  ]);
  const up = widths
    .slice(0, -1)
    .flatMap((width, level) => [
      ...convolution(`up${level}.below`, width, widths[level + 1], 1),
      ...convolution(`up${level}.conv1`, width, 2 * width, 3),
      ...convolution(`up${level}.conv2`, width, width, 3),
    ]);
  return layOut([...down, ...up, ...convolution('out', channels, widths[0], 1)]);
}

/** Start values: uniform with variance 2 / fan-in (He et al. 2015), zero for biases and the output layer. */
export function initialUNet({ entries, size }: ParameterLayout, random: () => number): Float32Array {
  const values = new Float32Array(size);
  for (const { name, shape, offset } of entries) {
    if (shape.length === 1 || name.startsWith('out.')) continue;
    const bound = Math.sqrt(6 / sizeOf(shape.slice(1)));
    for (let i = 0; i < sizeOf(shape); i++) values[offset + i] = (2 * random() - 1) * bound;
  }
  return values;
}

/** net(x) of x [N, C, H, W], whose sides are multiples of `sideMultiple`. */
export function uNet(
  g: GraphBuilder,
  p: Readonly<Record<string, Tensor>>,
  widths: readonly number[],
  x: Tensor,
): Tensor {
  const conv = (name: string, input: Tensor) => g.conv2d(input, p[`${name}.weight`], p[`${name}.bias`]);
  const twice = (name: string, input: Tensor) => g.relu(conv(`${name}.conv2`, g.relu(conv(`${name}.conv1`, input))));

  const skips: Tensor[] = [];
  for (const level of widths.keys()) {
    skips.push(twice(`down${level}`, level === 0 ? x : g.averagePool(skips[level - 1], 2)));
  }
  let h = skips[widths.length - 1];
  for (let level = widths.length - 2; level >= 0; level--) {
    const below = g.enlarge(g.relu(conv(`up${level}.below`, h)), 2);
    h = twice(`up${level}`, g.concat([below, skips[level]], 1));
  }
  return conv('out', h);
}

/** Multiply-adds of the net for one pixel: what a pass costs, for predictions of work. */
export function uNetMacs({ widths, channels }: UNetSize): number {
  return uNetLayout({ widths, channels })
    .entries.filter(({ shape }) => shape.length === 4)
    .reduce((sum, { name, shape }) => {
      const level = Number(/\d+/.exec(name)?.[0] ?? 0) + (name.includes('below') ? 1 : 0);
      return sum + sizeOf(shape) / 4 ** level;
    }, 0);
}
