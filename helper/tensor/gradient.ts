/**
 * Reverse-mode differentiation: walks the nodes backwards from a scalar and adds up, for each, d = dL/d(node).
 *
 * One rule an op. A rule gets d and emits the nodes of dL/d(input); since rules emit ordinary nodes, gradients can be
 * differentiated again. Only values on a path from `wrt` to the loss get a gradient.
 */
import type { GraphBuilder, Node, OpName, Tensor } from './graph.ts';
import { type Shape, sameShape, sizeOf } from './shape.ts';

/** `x`: the node's inputs; `y`: its value; `needs[i]`: whether input i wants a gradient. */
type Rule = (g: GraphBuilder, d: Tensor, x: Tensor[], y: Tensor, node: Node, needs: boolean[]) => (Tensor | null)[];

/** Undoes broadcasting: sums d over the axes along which an operand of `shape` was stretched. */
function unbroadcast(g: GraphBuilder, d: Tensor, shape: Shape): Tensor {
  if (sameShape(d.shape, shape)) return d;
  const lead = d.shape.length - shape.length;
  const axes = [...d.shape.keys()].filter((axis) => axis < lead || (shape[axis - lead] === 1 && d.shape[axis] !== 1));
  return g.reshape(g.sum(d, axes), shape);
}

const RULES: Record<OpName, Rule> = {
  input: () => [],
  constant: () => [],
  // y = a + b: da = d, db = d
  add: (g, d, [a, b]) => [unbroadcast(g, d, a.shape), unbroadcast(g, d, b.shape)],
  // y = a - b: da = d, db = -d
  sub: (g, d, [a, b], _y, _n, needs) => [
    unbroadcast(g, d, a.shape),
    needs[1] ? unbroadcast(g, g.mul(d, -1), b.shape) : null,
  ],
  // y = a b: da = d b, db = d a
  mul: (g, d, [a, b], _y, _n, needs) => [
    needs[0] ? unbroadcast(g, g.mul(d, b), a.shape) : null,
    needs[1] ? unbroadcast(g, g.mul(d, a), b.shape) : null,
  ],
  // y = a / b: da = d / b, db = -d y / b
  div: (g, d, [a, b], y, _n, needs) => [
    needs[0] ? unbroadcast(g, g.div(d, b), a.shape) : null,
    needs[1] ? unbroadcast(g, g.mul(g.div(g.mul(d, y), b), -1), b.shape) : null,
  ],
  // y = max(x, 0): dx = d where y > 0
  relu: (g, d, _x, y) => [g.reluGrad(d, y)],
  // z = x where y > 0: dx = d where y > 0; y only decides, so dy = 0
  reluGrad: (g, d, [, y]) => [g.reluGrad(d, y), null],
  // y = 1 / (1 + e^-x): dx = d y (1 - y)
  sigmoid: (g, d, _x, y) => [g.mul(d, g.mul(y, g.sub(1, y)))],
  // y = x^(1/2): dx = d / (2 y)
  sqrt: (g, d, _x, y) => [g.div(d, g.mul(y, 2))],
  // y = sin x: dx = d cos x
  sin: (g, d, [x]) => [g.mul(d, g.cos(x))],
  // y = cos x: dx = -d sin x
  cos: (g, d, [x]) => [g.mul(g.mul(d, g.sin(x)), -1)],
  // Y = A' B' (' as flagged): dA' = d B'T, dB' = A'T d; transposed back where A' = AT
  matmul: (g, d, [a, b], _y, node, needs) => {
    const { transposeA: ta, transposeB: tb } = node as Extract<Node, { op: 'matmul' }>;
    const da = () =>
      ta
        ? g.matmul(b, d, { transposeA: tb, transposeB: true })
        : g.matmul(d, b, { transposeA: false, transposeB: !tb });
    const db = () =>
      tb
        ? g.matmul(d, a, { transposeA: true, transposeB: ta })
        : g.matmul(a, d, { transposeA: !ta, transposeB: false });
    return [needs[0] ? da() : null, needs[1] ? db() : null];
  },
  // y = w * x + b: dx, dw by their own ops, db = sum of d over pictures and places
  conv2d: (g, d, [x, w, b], _y, _n, needs) => [
    needs[0] ? g.conv2dInputGrad(d, w) : null,
    needs[1] ? g.conv2dWeightGrad(x, d, w.shape[2]) : null,
    ...(b ? [needs[2] ? g.reshape(g.sum(d, [0, 2, 3]), b.shape) : null] : []),
  ],
  // <d, w * x> is linear in each of d, w, x, so the three convolution ops are each other's gradients.
  // z = dx(e, w): de = w * d, dw = dw(d, e)
  conv2dInputGrad: (g, d, [e, w], _y, _n, needs) => [
    needs[0] ? g.conv2d(d, w) : null,
    needs[1] ? g.conv2dWeightGrad(d, e, w.shape[2]) : null,
  ],
  // z = dw(x, e): dx = dx(e, d), de = d * x
  conv2dWeightGrad: (g, d, [x, e], _y, _n, needs) => [
    needs[0] ? g.conv2dInputGrad(e, d) : null,
    needs[1] ? g.conv2d(x, d) : null,
  ],
  // y = mean of a block of q^2 pixels: each of them gets d / q^2
  averagePool: (g, d, _x, _y, node) => {
    const { side } = node as Extract<Node, { op: 'averagePool' }>;
    return [g.mul(g.enlarge(d, side), 1 / side ** 2)];
  },
  // a block of q^2 pixels = x: dx = their sum of d, q^2 times the mean
  enlarge: (g, d, _x, _y, node) => {
    const { side } = node as Extract<Node, { op: 'enlarge' }>;
    return [g.mul(g.averagePool(d, side), side ** 2)];
  },
  // the same elements: dx = d in x's shape
  reshape: (g, d, [x]) => [g.reshape(d, x.shape)],
  // y = P x: dx = P^-1 d
  transpose: (g, d, _x, _y, node) => {
    const { permutation } = node as Extract<Node, { op: 'transpose' }>;
    return [
      g.transpose(
        d,
        [...permutation.keys()].map((axis) => permutation.indexOf(axis)),
      ),
    ];
  },
  // y = x[box]: dx = d in its box, zeros around
  slice: (g, d, [x], _y, node) => [g.pad(d, (node as Extract<Node, { op: 'slice' }>).starts, x.shape)],
  // y = x in a box, zeros around: dx = d[box]
  pad: (g, d, [x], _y, node) => [g.slice(d, (node as Extract<Node, { op: 'pad' }>).starts, x.shape)],
  // y = [x1 x2 ...]: dxi = the part of d that xi became
  concat: (g, d, x, _y, node, needs) => {
    const { axis } = node as Extract<Node, { op: 'concat' }>;
    let start = 0;
    return x.map((part, i) => {
      start += part.shape[axis];
      return needs[i] ? g.sliceAxis(d, axis, start - part.shape[axis], part.shape[axis]) : null;
    });
  },
  // y = sum of x: dx = d, stretched
  sum: (g, d, [x]) => [g.broadcast(d, x.shape)],
  // y = x stretched: dx = sum of d
  broadcast: (g, d, [x]) => [unbroadcast(g, d, x.shape)],
};

/** Emits dL/dx for every x of `wrt`, in their order and shapes; zeros where the loss does not depend on x. */
export function gradient(g: GraphBuilder, loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (sizeOf(loss.shape) !== 1) throw new Error(`The loss must be one number, not [${loss.shape}].`);
  const tensorAt = (id: number): Tensor => ({ id, shape: g.nodes[id].shape });

  const needed = new Set(wrt.map((t) => t.id));
  for (let id = 0; id <= loss.id; id++) if (g.nodes[id].inputs.some((input) => needed.has(input))) needed.add(id);

  const gradients = new Map<number, Tensor>();
  if (needed.has(loss.id)) gradients.set(loss.id, g.constant([1], loss.shape));
  for (let id = loss.id; id >= 0; id--) {
    const d = gradients.get(id);
    const node = g.nodes[id];
    if (!d || !node.inputs.some((input) => needed.has(input))) continue;
    const needs = node.inputs.map((input) => needed.has(input));
    const parts = RULES[node.op](g, d, node.inputs.map(tensorAt), tensorAt(id), node, needs);
    node.inputs.forEach((input, i) => {
      const part = parts[i];
      if (!needs[i] || !part) return;
      const before = gradients.get(input);
      gradients.set(input, before ? g.add(before, part) : part);
    });
  }
  return wrt.map((t) => gradients.get(t.id) ?? g.broadcast(g.constant([0], []), t.shape));
}
