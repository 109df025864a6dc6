/**
 * A computation as plain data: a list of nodes, each naming earlier nodes as its inputs, every shape known in advance.
 *
 * Ops say what is meant (`conv2d` and its two gradients, `reluGrad`), not how it is done: each executor lowers them in the
 * way its device likes. Nodes only ever point backwards, so the list is its own topological order and a graph can be
 * differentiated (gradient.ts), interpreted (executors/reference.ts) or translated (executors/onnx) in one pass.
 * Mistakes in building a graph are ours, not a user's, and throw plain Errors.
 */
import { broadcastShapes, type Shape, sameShape, sizeOf } from './shape.ts';

/** What a node computes; x, y, ... are its inputs in order. */
export type Op =
  | { readonly op: 'input'; readonly name: string }
  | { readonly op: 'constant'; readonly data: Float32Array }
  /** Elementwise with broadcasting: x + y, x - y, x y, x / y. */
  | { readonly op: 'add' | 'sub' | 'mul' | 'div' }
  /** Elementwise: max(x, 0), 1 / (1 + e^-x), x^(1/2), sine and cosine of x in radians. */
  | { readonly op: 'relu' | 'sigmoid' | 'sqrt' | 'sin' | 'cos' }
  /** x where y > 0, else 0 (same shapes). */
  | { readonly op: 'reluGrad' }
  /** X Y of two matrices, each transposed first where asked. */
  | { readonly op: 'matmul'; readonly transposeA: boolean; readonly transposeB: boolean }
  /** Correlation of [N, I, H, W] with [O, I, k, k], k odd, stride 1, zeros around ('same'); optional bias [O]. */
  | { readonly op: 'conv2d' }
  /** Of d [N, O, H, W] and weights [O, I, k, k]: the gradient with respect to conv2d's first input. */
  | { readonly op: 'conv2dInputGrad' }
  /** Of conv2d's first input [N, I, H, W] and d [N, O, H, W]: the gradient with respect to the weights. */
  | { readonly op: 'conv2dWeightGrad' }
  /** Mean over side x side blocks of [N, C, H, W], H and W being multiples of `side`. */
  | { readonly op: 'averagePool'; readonly side: number }
  /** Each pixel of [N, C, H, W] becomes a side x side block. */
  | { readonly op: 'enlarge'; readonly side: number }
  | { readonly op: 'reshape' }
  /** Axis i of the result is axis permutation[i] of x. */
  | { readonly op: 'transpose'; readonly permutation: readonly number[] }
  /** The box of the node's shape that begins at `starts`. */
  | { readonly op: 'slice'; readonly starts: readonly number[] }
  /** Zeros of the node's shape with x put at `starts`: the gradient of slice. */
  | { readonly op: 'pad'; readonly starts: readonly number[] }
  | { readonly op: 'concat'; readonly axis: number }
  /** Sum over axes, which stay with length 1. */
  | { readonly op: 'sum'; readonly axes: readonly number[] }
  /** x stretched to the node's shape. */
  | { readonly op: 'broadcast' };

export type OpName = Op['op'];

/** `inputs` are indices into the graph's `nodes`. */
export type Node = Op & { readonly inputs: readonly number[]; readonly shape: Shape };

export interface Graph {
  readonly nodes: readonly Node[];
  /** Name of each result and the index of the node that computes it. */
  readonly outputs: Readonly<Record<string, number>>;
}

/** A value while a graph is being built: the index of its node, and its shape. */
export interface Tensor {
  readonly id: number;
  readonly shape: Shape;
}

/** The input nodes' names and shapes. */
export function inputsOf(graph: Graph): Map<string, Shape> {
  const inputs = new Map<string, Shape>();
  for (const node of graph.nodes) if (node.op === 'input') inputs.set(node.name, node.shape);
  return inputs;
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Appends nodes; every method returns the value it stands for. Plain numbers are scalars. */
export class GraphBuilder {
  readonly nodes: Node[] = [];

  private append(op: Op, inputs: readonly Tensor[], shape: Shape): Tensor {
    this.nodes.push({ ...op, inputs: inputs.map((t) => t.id), shape });
    return { id: this.nodes.length - 1, shape };
  }

  private lift(x: Tensor | number): Tensor {
    return typeof x === 'number' ? this.constant([x], []) : x;
  }

  build(outputs: Readonly<Record<string, Tensor>>): Graph {
    return {
      nodes: this.nodes.slice(),
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.id])),
    };
  }

  input(name: string, shape: Shape): Tensor {
    check(!this.nodes.some((n) => n.op === 'input' && n.name === name), `There already is an input "${name}".`);
    return this.append({ op: 'input', name }, [], shape);
  }

  constant(values: ArrayLike<number>, shape: Shape): Tensor {
    check(values.length === sizeOf(shape), `${values.length} values do not fill [${shape}].`);
    return this.append({ op: 'constant', data: Float32Array.from(values) }, [], shape);
  }

  private elementwise(op: 'add' | 'sub' | 'mul' | 'div', x: Tensor | number, y: Tensor | number): Tensor {
    const [a, b] = [this.lift(x), this.lift(y)];
    return this.append({ op }, [a, b], broadcastShapes(a.shape, b.shape));
  }

  add(x: Tensor | number, y: Tensor | number): Tensor {
    return this.elementwise('add', x, y);
  }

  sub(x: Tensor | number, y: Tensor | number): Tensor {
    return this.elementwise('sub', x, y);
  }

  mul(x: Tensor | number, y: Tensor | number): Tensor {
    return this.elementwise('mul', x, y);
  }

  div(x: Tensor | number, y: Tensor | number): Tensor {
    return this.elementwise('div', x, y);
  }

  relu(x: Tensor): Tensor {
    return this.append({ op: 'relu' }, [x], x.shape);
  }

  sigmoid(x: Tensor): Tensor {
    return this.append({ op: 'sigmoid' }, [x], x.shape);
  }

  sqrt(x: Tensor): Tensor {
    return this.append({ op: 'sqrt' }, [x], x.shape);
  }

  sin(x: Tensor): Tensor {
    return this.append({ op: 'sin' }, [x], x.shape);
  }

  cos(x: Tensor): Tensor {
    return this.append({ op: 'cos' }, [x], x.shape);
  }

  /** x sigmoid(x). */
  silu(x: Tensor): Tensor {
    return this.mul(x, this.sigmoid(x));
  }

  reluGrad(d: Tensor, y: Tensor): Tensor {
    check(sameShape(d.shape, y.shape), `reluGrad: [${d.shape}] is not [${y.shape}].`);
    return this.append({ op: 'reluGrad' }, [d, y], d.shape);
  }

  matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
    check(a.shape.length === 2 && b.shape.length === 2, 'matmul takes matrices.');
    const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const [inner2, columns] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
    check(inner === inner2, `matmul: inner lengths ${inner} and ${inner2} differ.`);
    return this.append({ op: 'matmul', transposeA, transposeB }, [a, b], [rows, columns]);
  }

  /** x wT + b for x [N, in], w [out, in], b [out]. */
  linear(x: Tensor, w: Tensor, b: Tensor): Tensor {
    return this.add(this.matmul(x, w, { transposeB: true }), b);
  }

  conv2d(x: Tensor, w: Tensor, b?: Tensor): Tensor {
    const [n, channels, height, width] = x.shape;
    const [out, into, kh, kw] = w.shape;
    check(x.shape.length === 4 && w.shape.length === 4, 'conv2d takes [N, I, H, W] and [O, I, k, k].');
    check(channels === into, `conv2d: ${channels} channels in, weights for ${into}.`);
    check(kh === kw && kh % 2 === 1, `conv2d: kernel ${kh} x ${kw} is not square and odd.`);
    if (b) check(sameShape(b.shape, [out]), `conv2d: bias [${b.shape}] for ${out} channels.`);
    return this.append({ op: 'conv2d' }, b ? [x, w, b] : [x, w], [n, out, height, width]);
  }

  conv2dInputGrad(d: Tensor, w: Tensor): Tensor {
    const [n, , height, width] = d.shape;
    check(d.shape[1] === w.shape[0], `conv2dInputGrad: [${d.shape}] does not come from weights [${w.shape}].`);
    return this.append({ op: 'conv2dInputGrad' }, [d, w], [n, w.shape[1], height, width]);
  }

  conv2dWeightGrad(x: Tensor, d: Tensor, kernelSide: number): Tensor {
    check(
      sameShape([x.shape[0], ...x.shape.slice(2)], [d.shape[0], ...d.shape.slice(2)]),
      'conv2dWeightGrad: sizes differ.',
    );
    return this.append({ op: 'conv2dWeightGrad' }, [x, d], [d.shape[1], x.shape[1], kernelSide, kernelSide]);
  }

  averagePool(x: Tensor, side: number): Tensor {
    const [n, channels, height, width] = x.shape;
    check(x.shape.length === 4, 'averagePool takes [N, C, H, W].');
    check(height % side === 0 && width % side === 0, `[${x.shape}] does not divide into blocks of ${side}.`);
    return this.append({ op: 'averagePool', side }, [x], [n, channels, height / side, width / side]);
  }

  enlarge(x: Tensor, side: number): Tensor {
    const [n, channels, height, width] = x.shape;
    check(x.shape.length === 4, 'enlarge takes [N, C, H, W].');
    return this.append({ op: 'enlarge', side }, [x], [n, channels, side * height, side * width]);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    check(sizeOf(x.shape) === sizeOf(shape), `[${x.shape}] does not reshape to [${shape}].`);
    return sameShape(x.shape, shape) ? x : this.append({ op: 'reshape' }, [x], shape);
  }

  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    check(
      sameShape(
        [...permutation].sort((p, q) => p - q),
        [...x.shape.keys()],
      ),
      `[${permutation}] does not permute [${x.shape}].`,
    );
    return this.append(
      { op: 'transpose', permutation },
      [x],
      permutation.map((axis) => x.shape[axis]),
    );
  }

  slice(x: Tensor, starts: readonly number[], sizes: Shape): Tensor {
    const fits = x.shape.every(
      (length, axis) => starts[axis] >= 0 && sizes[axis] >= 1 && starts[axis] + sizes[axis] <= length,
    );
    check(fits && starts.length === x.shape.length, `Slice [${sizes}] at [${starts}] leaves [${x.shape}].`);
    return this.append({ op: 'slice', starts }, [x], sizes);
  }

  /** `size` places along one axis from `start`. */
  sliceAxis(x: Tensor, axis: number, start: number, size: number): Tensor {
    return this.slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((length, i) => (i === axis ? size : length)),
    );
  }

  pad(x: Tensor, starts: readonly number[], shape: Shape): Tensor {
    const fits = x.shape.every((length, axis) => starts[axis] >= 0 && starts[axis] + length <= shape[axis]);
    check(fits && starts.length === shape.length, `[${x.shape}] at [${starts}] does not fit into [${shape}].`);
    return this.append({ op: 'pad', starts }, [x], shape);
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    const first = parts[0].shape;
    const withLength = (shape: Shape, length: number) => shape.map((old, i) => (i === axis ? length : old));
    const alike = parts.every((p) => sameShape(withLength(p.shape, 0), withLength(first, 0)));
    check(alike, 'concat: lengths differ along another axis.');
    const length = parts.reduce((sum, p) => sum + p.shape[axis], 0);
    return this.append({ op: 'concat', axis }, parts, withLength(first, length));
  }

  sum(x: Tensor, axes: readonly number[]): Tensor {
    if (axes.every((axis) => x.shape[axis] === 1)) return x;
    return this.append(
      { op: 'sum', axes },
      [x],
      x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
    );
  }

  broadcast(x: Tensor, shape: Shape): Tensor {
    check(sameShape(broadcastShapes(x.shape, shape), shape), `[${x.shape}] does not stretch to [${shape}].`);
    return sameShape(x.shape, shape) ? x : this.append({ op: 'broadcast' }, [x], shape);
  }

  /** Mean of all elements: a scalar. */
  mean(x: Tensor): Tensor {
    return this.mul(this.reshape(this.sum(x, [...x.shape.keys()]), []), 1 / sizeOf(x.shape));
  }

  /** Mean squared difference: a scalar. */
  mse(x: Tensor, y: Tensor): Tensor {
    const difference = this.sub(x, y);
    return this.mean(this.mul(difference, difference));
  }
}
