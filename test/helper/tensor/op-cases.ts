/**
 * Every op of the tensor engine as a case: random shapes, and the op built on them. Whoever tests an executor or a gradient
 * runs through this list, so that a new op is tested everywhere by one entry here.
 */
import type fc from 'fast-check';
import { gradient } from '../../../helper/tensor/gradient.ts';
import { type Graph, GraphBuilder, type OpName, type Tensor } from '../../../helper/tensor/graph.ts';
import { type Shape, sizeOf } from '../../../helper/tensor/shape.ts';

/** A whole number from a range, or one of a list. */
export interface Pick {
  (min: number, max: number): number;
  of<T>(choices: readonly T[]): T;
}

export interface OpCase {
  readonly title: string;
  /** Ops that the case is there for. */
  readonly ops: readonly OpName[];
  /** Inputs by name, and the value computed from them. */
  readonly shapes: (pick: Pick) => {
    readonly inputs: readonly Shape[];
    readonly build: (g: GraphBuilder, x: readonly Tensor[]) => Tensor;
  };
}

/** Two shapes that broadcast against each other, of rank 1 to 4. */
function broadcastingShapes(pick: Pick): [number[], number[]] {
  const full = Array.from({ length: pick(1, 4) }, () => pick(1, 4));
  const thin = () => full.slice(pick(0, full.length - 1)).map((length) => (pick(0, 2) === 0 ? 1 : length));
  return pick(0, 1) === 0 ? [full, thin()] : [thin(), full];
}

const binary = (op: 'add' | 'sub' | 'mul' | 'div'): OpCase => ({
  title: op,
  ops: [op],
  shapes: (pick) => ({ inputs: broadcastingShapes(pick), build: (g, [x, y]) => g[op](x, y) }),
});

const unary = (op: 'relu' | 'sigmoid' | 'sqrt' | 'sin' | 'cos' | 'silu' | 'mean', ops: OpName[]): OpCase => ({
  title: op,
  ops,
  shapes: (pick) => ({
    inputs: [Array.from({ length: pick(0, 3) }, () => pick(1, 4))],
    // Square roots are of squares: their argument must be positive.
    build: (g, [x]) => (op === 'sqrt' ? g.sqrt(g.mul(x, x)) : g[op](x)),
  }),
});

/** Few, one block's worth (of 8 and of 16), and several blocks' worth of channels. */
const CHANNELS = [1, 2, 3, 8, 16, 32];
const SIDES = [1, 3, 5];

function convolution(pick: Pick) {
  const [n, into, out, side] = [pick(1, 2), pick.of(CHANNELS), pick.of(CHANNELS), pick.of(SIDES)];
  const [height, width] = [pick(1, 5), pick(1, 5)];
  return { x: [n, into, height, width], w: [out, into, side, side], d: [n, out, height, width], b: [out], side };
}

export const OP_CASES: readonly OpCase[] = [
  binary('add'),
  binary('sub'),
  binary('mul'),
  binary('div'),
  unary('relu', ['relu']),
  unary('sigmoid', ['sigmoid']),
  unary('sqrt', ['sqrt']),
  unary('sin', ['sin']),
  unary('cos', ['cos']),
  unary('silu', ['sigmoid', 'mul']),
  unary('mean', ['sum', 'reshape']),
  {
    title: 'reluGrad',
    ops: ['reluGrad'],
    shapes: (pick) => {
      const shape = [pick(1, 3), pick(1, 4)];
      return { inputs: [shape, shape], build: (g, [d, y]) => g.reluGrad(d, y) };
    },
  },
  {
    title: 'mse',
    ops: ['sub', 'mul', 'sum'],
    shapes: (pick) => {
      const shape = [pick(1, 3), pick(1, 4)];
      return { inputs: [shape, shape], build: (g, [x, y]) => g.mse(x, y) };
    },
  },
  ...[false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): OpCase => ({
        title: `matmul${transposeA ? ', A transposed' : ''}${transposeB ? ', B transposed' : ''}`,
        ops: ['matmul'],
        shapes: (pick) => {
          const [rows, inner, columns] = [pick(1, 4), pick(1, 4), pick(1, 4)];
          return {
            inputs: [transposeA ? [inner, rows] : [rows, inner], transposeB ? [columns, inner] : [inner, columns]],
            build: (g, [a, b]) => g.matmul(a, b, { transposeA, transposeB }),
          };
        },
      }),
    ),
  ),
  {
    title: 'linear',
    ops: ['matmul', 'add'],
    shapes: (pick) => {
      const [rows, into, out] = [pick(1, 4), pick(1, 4), pick(1, 4)];
      return { inputs: [[rows, into], [out, into], [out]], build: (g, [x, w, b]) => g.linear(x, w, b) };
    },
  },
  {
    title: 'conv2d',
    ops: ['conv2d'],
    shapes: (pick) => {
      const { x, w } = convolution(pick);
      return { inputs: [x, w], build: (g, t) => g.conv2d(t[0], t[1]) };
    },
  },
  {
    title: 'conv2d with bias',
    ops: ['conv2d'],
    shapes: (pick) => {
      const { x, w, b } = convolution(pick);
      return { inputs: [x, w, b], build: (g, t) => g.conv2d(t[0], t[1], t[2]) };
    },
  },
  {
    title: 'conv2dInputGrad',
    ops: ['conv2dInputGrad'],
    shapes: (pick) => {
      const { d, w } = convolution(pick);
      return { inputs: [d, w], build: (g, t) => g.conv2dInputGrad(t[0], t[1]) };
    },
  },
  {
    title: 'conv2dWeightGrad',
    ops: ['conv2dWeightGrad'],
    shapes: (pick) => {
      const { x, d, side } = convolution(pick);
      return { inputs: [x, d], build: (g, t) => g.conv2dWeightGrad(t[0], t[1], side) };
    },
  },
  {
    title: 'averagePool',
    ops: ['averagePool'],
    shapes: (pick) => {
      const side = pick(1, 3);
      const x = [pick(1, 2), pick.of(CHANNELS), side * pick(1, 3), side * pick(1, 3)];
      return { inputs: [x], build: (g, t) => g.averagePool(t[0], side) };
    },
  },
  {
    title: 'enlarge',
    ops: ['enlarge'],
    shapes: (pick) => {
      const side = pick(1, 3);
      const x = [pick(1, 2), pick.of(CHANNELS), pick(1, 3), pick(1, 3)];
      return { inputs: [x], build: (g, t) => g.enlarge(t[0], side) };
    },
  },
  {
    title: 'reshape and transpose',
    ops: ['reshape', 'transpose'],
    shapes: (pick) => {
      const [a, b, c] = [pick(1, 3), pick(1, 3), pick(1, 3)];
      const permutation = pick.of([
        [0, 1, 2],
        [2, 0, 1],
        [1, 2, 0],
        [2, 1, 0],
      ]);
      return { inputs: [[a * b, c]], build: (g, [x]) => g.transpose(g.reshape(x, [a, b, c]), permutation) };
    },
  },
  {
    title: 'slice',
    ops: ['slice'],
    shapes: (pick) => {
      const starts = [pick(0, 2), pick(0, 2), pick(0, 2)];
      const sizes = [pick(1, 3), pick(1, 3), pick(1, 3)];
      const shape = sizes.map((size, axis) => starts[axis] + size + pick(0, 2));
      return { inputs: [shape], build: (g, [x]) => g.slice(x, starts, sizes) };
    },
  },
  {
    title: 'pad',
    ops: ['pad'],
    shapes: (pick) => {
      const inner = [pick(1, 3), pick(1, 3)];
      const starts = [pick(0, 2), pick(0, 2)];
      const outer = inner.map((length, axis) => starts[axis] + length + pick(0, 2));
      return { inputs: [inner], build: (g, [x]) => g.pad(x, starts, outer) };
    },
  },
  {
    title: 'concat',
    ops: ['concat'],
    shapes: (pick) => {
      const axis = pick(0, 2);
      const shape = [pick(1, 3), pick(1, 3), pick(1, 3)];
      const part = () => shape.map((length, i) => (i === axis ? pick(1, 3) : length));
      return { inputs: [part(), part(), part()], build: (g, x) => g.concat(x, axis) };
    },
  },
  {
    title: 'sum',
    ops: ['sum'],
    shapes: (pick) => {
      const axes = pick.of([[0], [1], [2], [3], [0, 2, 3], [2, 3], [0, 1, 2, 3], [0, 2]]);
      return { inputs: [[pick(1, 3), pick(1, 3), pick(1, 3), pick(1, 3)]], build: (g, [x]) => g.sum(x, axes) };
    },
  },
  {
    title: 'broadcast',
    ops: ['broadcast'],
    shapes: (pick) => {
      const [n, c] = [pick(1, 3), pick(1, 3)];
      return { inputs: [[c, 1]], build: (g, [x]) => g.broadcast(x, [n, c, pick(1, 3)]) };
    },
  },
];

/** Chains of ops that an executor may hold in layouts of its own, or fuse. Left out of finite differences: ReLU has corners. */
export const CHAINS: readonly OpCase[] = [
  {
    title: 'a residual block of convolutions, with a value a channel added',
    ops: ['conv2d', 'add', 'relu'],
    shapes: (pick) => {
      const c = pick.of([8, 16, 32]);
      const x = [pick(1, 2), c, pick(1, 4), pick(1, 4)];
      const shift = [pick.of([1, x[0]]), c, 1, 1];
      return {
        inputs: [x, [c, c, 3, 3], [c], shift, [c, c, 1, 1], [c]],
        build: (g, [input, w1, b1, t, w2, b2]) => {
          const u = g.relu(g.add(g.conv2d(input, w1, b1), t));
          return g.relu(g.add(input, g.conv2d(u, w2, b2)));
        },
      };
    },
  },
  {
    title: 'elementwise arithmetic between convolutions',
    ops: ['conv2d', 'sub', 'mul', 'div', 'sigmoid'],
    shapes: (pick) => {
      const c = pick.of([8, 16]);
      return {
        inputs: [
          [2, c, 3, 2],
          [c, c, 3, 3],
          [1, c, 1, 1],
          [2, 1, 1, 1],
          [2, c, 3, 2],
        ],
        build: (g, [x, w, perChannel, perPicture, other]) => {
          const y = g.conv2d(x, w);
          const z = g.div(g.sub(perChannel, g.mul(y, 0.3)), g.add(1, g.sigmoid(y)));
          return g.sum(g.conv2d(g.mul(g.sub(other, z), perPicture), w), [2, 3]);
        },
      };
    },
  },
  {
    title: 'reduced, enlarged and joined between convolutions, as in a U-Net',
    ops: ['conv2d', 'averagePool', 'enlarge', 'concat', 'slice'],
    shapes: (pick) => {
      const c = pick.of([8, 16, 32]);
      const other = pick.of([3, 8, 16]);
      return {
        inputs: [
          [pick(1, 2), c, 4, 2 * pick(1, 3)],
          [c, c, 3, 3],
          [other, c, 3, 3],
          [c, c + other, 3, 3],
        ],
        build: (g, [x, down, side, up]) => {
          const h = g.conv2d(x, down);
          const low = g.conv2d(g.averagePool(h, 2), down);
          const joined = g.concat([g.enlarge(low, 2), g.conv2d(h, side)], 1);
          return g.add(
            g.add(g.sliceAxis(joined, 1, 0, c), g.sliceAxis(joined, 1, other >> 1, c)),
            g.conv2d(joined, up),
          );
        },
      };
    },
  },
];

/** A case on shapes drawn by fast-check, with values: the outputs are `y` and the gradient of a weighting of y by each input. */
export function drawGraph(opCase: OpCase, draw: fc.GeneratorValue, integer: typeof fc.integer) {
  const between = (min: number, max: number) => draw(integer, { min, max });
  const pick: Pick = Object.assign(between, {
    of: <T>(choices: readonly T[]) => choices[between(0, choices.length - 1)],
  });
  const { inputs, build } = opCase.shapes(pick);
  const values: Record<string, Float32Array> = {};
  inputs.forEach((shape, i) => {
    values[`x${i}`] = someValues(sizeOf(shape), i + 1);
  });
  return { graph: graphWithGradients(inputs, build), values };
}

export function graphWithGradients(
  inputs: readonly Shape[],
  build: (g: GraphBuilder, x: readonly Tensor[]) => Tensor,
): Graph {
  const g = new GraphBuilder();
  const x = inputs.map((shape, i) => g.input(`x${i}`, shape));
  const y = build(g, x);
  const weighted = g.mul(y, g.constant(someValues(sizeOf(y.shape), 99), y.shape));
  const loss = g.reshape(g.sum(weighted, [...y.shape.keys()]), []);
  const gradients = gradient(g, loss, x);
  return g.build({ y, loss, ...Object.fromEntries(gradients.map((d, i) => [`d${i}`, d])) });
}

/** Numbers of either sign with magnitudes from 0.25 to 1.25, away from zero, where ReLU has its corner and division its pole. */
export function someValues(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const magnitude = 0.25 + (state >>> 9) / 2 ** 23;
    return (state >>> 8) & 1 ? magnitude : -magnitude;
  });
}
