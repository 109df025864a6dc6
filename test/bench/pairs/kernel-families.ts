/**
 * Random kernels of the families that blurs come from.
 *
 * A kernel is a mass spread over the plane, drawn in pixels of the result about its centre of mass; a tap is the mass within its
 * pixel's square. Lengths are drawn in pixels of the layer, s times as many of the result: that is what decides how hard a blur is.
 */
import type { Random } from '../../../helper/kernelfusion/random.ts';
import { type Kernel, makeKernel, type Scale } from '../../../shared/kernel.ts';

export interface DrawnKernel {
  readonly kernel: Kernel;
  /** What was drawn: lengths in pixels of the result, angles in degrees from rightwards to downwards. */
  readonly parameters: Readonly<Record<string, number | string>>;
}

/** A point of the blur: place relative to any origin, and mass there. */
type Mass = readonly [y: number, x: number, mass: number];
/** Mass at a place. */
type Density = (y: number, x: number) => number;
type Family = (scale: Scale, random: Random) => DrawnKernel;

const between = ({ uniform }: Random, low: number, high: number) => low + (high - low) * uniform();
/** Half a turn: what a shape without a direction needs. */
const halfTurn = (random: Random) => between(random, 0, 180);

const FAMILIES = {
  'anisotropic-gaussian': (scale, random) => {
    const along = scale * between(random, 0.55, 1.1);
    const across = along * between(random, 0.3, 0.7);
    const angle = halfTurn(random);
    const kernel = gather(spread(turned(bell(across, along), angle), 3 * along), scale);
    return { kernel, parameters: { along, across, angle } };
  },
  'isotropic-gaussian': (scale, random) => {
    const sigma = scale * between(random, 0.3, 0.8);
    return { kernel: gather(spread(bell(sigma, sigma), 3 * sigma), scale), parameters: { sigma } };
  },
  disc: (scale, random) => {
    const radius = scale * between(random, 0.7, 1.5);
    const kernel = gather(
      spread(
        inside((y, x) => Math.hypot(y, x) <= radius),
        radius,
      ),
      scale,
    );
    return { kernel, parameters: { radius } };
  },
  shake: (scale, random) => {
    const reach = scale * between(random, 1.6, 3.3);
    return { kernel: gather(wander(reach, random), scale), parameters: { reach } };
  },
  motion: (scale, random) => {
    const length = scale * between(random, 1.5, 5);
    const angle = halfTurn(random);
    const [dy, dx] = [Math.sin(radians(angle)), Math.cos(radians(angle))];
    const line = Array.from({ length: INSTANTS }, (_, i): Mass => {
      const at = length * ((i + 0.5) / INSTANTS - 0.5);
      return [at * dy, at * dx, 1];
    });
    return { kernel: gather(line, scale), parameters: { length, angle } };
  },
  shape: (scale, random) => {
    const { name, draw } = SHAPES[random.below(SHAPES.length)];
    const { density, reach, parameters } = draw(scale, random);
    const angle = between(random, 0, 360);
    return {
      kernel: gather(spread(turned(density, angle), reach), scale),
      parameters: { shape: name, ...parameters, angle },
    };
  },
  'near-delta': (scale, random) => {
    const sigma = between(random, 0.2, 0.5);
    return { kernel: gather(spread(bell(sigma, sigma), 3 * sigma), scale), parameters: { sigma } };
  },
  bicubic: (scale, random) => {
    // Programs differ in it: -0.5 is Keys' own, -0.75 sharper than most.
    const a = between(random, -0.75, -0.5);
    const side = 4 * scale + (scale % 2);
    const taps = Array.from({ length: side }, (_, i) => cubic((i - (side - 1) / 2) / scale, a));
    return {
      kernel: makeKernel(
        side,
        scale,
        taps.flatMap((p) => taps.map((q) => p * q)),
      ),
      parameters: { a },
    };
  },
} satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;
export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly FamilyName[];

/** A kernel of that family: sum 1, centre of mass within a fraction of a pixel of its middle, at most 7 layer pixels wide. */
export const drawKernel = (family: FamilyName, scale: Scale, random: Random): DrawnKernel =>
  FAMILIES[family](scale, random);

/** Blurs no lens makes: what is found of them shows how little a search takes for granted. */
const SHAPES: readonly {
  readonly name: string;
  readonly draw: (
    scale: Scale,
    random: Random,
  ) => { density: Density; reach: number; parameters: Record<string, number> };
}[] = [
  {
    name: 'two spots',
    draw: (scale, random) => {
      const distance = scale * between(random, 1.2, 3);
      const sigma = scale * between(random, 0.15, 0.35);
      const second = between(random, 0.4, 1);
      const spot = bell(sigma, sigma);
      return {
        density: (y, x) => spot(y, x - distance / 2) + second * spot(y, x + distance / 2),
        reach: distance / 2 + 3 * sigma,
        parameters: { distance, sigma, second },
      };
    },
  },
  {
    name: 'L',
    draw: (scale, random) => {
      const [long, short] = [scale * between(random, 2, 3.5), scale * between(random, 1, 2)];
      const thickness = scale * between(random, 0.3, 0.6);
      return {
        density: inside((y, x) => y >= 0 && x >= 0 && y < long && x < short && Math.min(y, x) < thickness),
        reach: Math.hypot(long, short),
        parameters: { long, short, thickness },
      };
    },
  },
  {
    name: 'hollow square',
    draw: (scale, random) => {
      const side = scale * between(random, 2, 3.2);
      const thickness = scale * between(random, 0.25, 0.5);
      const ring = (d: number) => d <= side / 2 && d > side / 2 - thickness;
      return {
        density: inside((y, x) => ring(Math.max(Math.abs(y), Math.abs(x)))),
        reach: side * Math.SQRT1_2,
        parameters: { side, thickness },
      };
    },
  },
];

/** A Gaussian, cut off at three standard deviations. */
const bell =
  (sigmaY: number, sigmaX: number): Density =>
  (y, x) => {
    const distance = Math.hypot(y / sigmaY, x / sigmaX);
    return distance > 3 ? 0 : Math.exp((-distance * distance) / 2);
  };

const inside =
  (holds: (y: number, x: number) => boolean): Density =>
  (y, x) =>
    holds(y, x) ? 1 : 0;

const radians = (degrees: number) => (degrees * Math.PI) / 180;

function turned(density: Density, angle: number): Density {
  const [c, s] = [Math.cos(radians(angle)), Math.sin(radians(angle))];
  return (y, x) => density(c * y - s * x, c * x + s * y);
}

/** Weight of a sample at that distance in cubic convolution with parameter `a` (Keys 1981, equation 8 before `a` is chosen). */
function cubic(distance: number, a: number): number {
  const t = Math.abs(distance);
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  return t < 2 ? a * (t ** 3 - 5 * t ** 2 + 8 * t - 4) : 0;
}

/** Samples of a density an axis and pixel. */
const FINENESS = 8;

/** A density as point masses, sampled up to `reach` pixels from the origin on each axis. */
function spread(density: Density, reach: number): Mass[] {
  const half = Math.ceil(reach * FINENESS);
  const places = Array.from({ length: 2 * half }, (_, i) => (i + 0.5 - half) / FINENESS);
  return places.flatMap((y) => places.map((x): Mass => [y, x, density(y, x)])).filter(([, , mass]) => mass > 0);
}

/** Moments of an exposure that are added up: many to a pixel. */
const INSTANTS = 2000;
/** Half waves in the path of a shaken camera, and how fast the shorter ones weaken: a path that winds, and stays smooth. */
const HALF_WAVES = 6;
const WEAKENING = 1.3;

/**
 * The path of a camera that shakes during an exposure: a sum of half waves in each axis, of random phase and of a size that falls
 * with their number. It goes `reach` pixels away from its centre of mass in one axis, and no further in the other.
 */
function wander(reach: number, random: Random): Mass[] {
  const [ys, xs] = Array.from({ length: 2 }, () => {
    const waves = Array.from(random.normals(HALF_WAVES), (size, i) => ({
      size: size / (i + 1) ** WEAKENING,
      turn: (Math.PI * (i + 1)) / INSTANTS,
      phase: 2 * Math.PI * random.uniform(),
    }));
    const path = Array.from({ length: INSTANTS }, (_, t) =>
      waves.reduce((sum, { size, turn, phase }) => sum + size * Math.cos(turn * t + phase), 0),
    );
    const mean = path.reduce((sum, at) => sum + at, 0) / INSTANTS;
    return path.map((at) => at - mean);
  });
  const unit = reach / Math.max(...[...ys, ...xs].map(Math.abs));
  return ys.map((y, t) => [unit * y, unit * xs[t], 1]);
}

/** The masses about their centre, each in the tap whose square it falls into, on the smallest side of the scale's parity. */
function gather(masses: readonly Mass[], scale: Scale): Kernel {
  const total = masses.reduce((sum, [, , mass]) => sum + mass, 0);
  const mean = (axis: 0 | 1) => masses.reduce((sum, m) => sum + m[axis] * m[2], 0) / total;
  const [cy, cx] = [mean(0), mean(1)];
  const reach = Math.max(...masses.map(([y, x]) => Math.max(Math.abs(y - cy), Math.abs(x - cx))));
  const least = Math.max(1, Math.ceil(2 * reach));
  const side = least + ((least + scale) % 2);
  const taps = new Float64Array(side * side);
  const tap = (offset: number) => Math.min(side - 1, Math.floor(offset + side / 2));
  for (const [y, x, mass] of masses) taps[tap(y - cy) * side + tap(x - cx)] += mass;
  return makeKernel(side, scale, taps);
}
