/**
 * Runs graphs in plain TypeScript: one obvious loop an op, in double precision, slowly. The oracle of the tests.
 *
 * Nothing here is shared with another executor, so that a mistake cannot hide in both.
 */
import type { CompileOptions, Executor, Program, Values } from '../executor.ts';
import type { Graph, Node } from '../graph.ts';
import { type Shape, sizeOf, stridesOf } from '../shape.ts';

/** Calls `visit` with every index of a shape, rows first. */
function forEachIndex(shape: Shape, visit: (index: readonly number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  for (let flat = 0; flat < sizeOf(shape); flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

interface Value {
  readonly data: Float64Array;
  readonly shape: Shape;
}

/** Element of a value at an index of a shape it stretches to. */
function stretchedAt({ data, shape }: Value, index: readonly number[]): number {
  const strides = stridesOf(shape);
  const lead = index.length - shape.length;
  return data[shape.reduce((sum, length, axis) => sum + (length === 1 ? 0 : index[lead + axis] * strides[axis]), 0)];
}

function at({ data, shape }: Value, ...index: number[]): number {
  return data[index.reduce((sum, i, axis) => sum * shape[axis] + i, 0)];
}

/** x[n, c, y, x], zero outside. */
function pixel(x: Value, n: number, c: number, row: number, column: number): number {
  const inside = row >= 0 && row < x.shape[2] && column >= 0 && column < x.shape[3];
  return inside ? at(x, n, c, row, column) : 0;
}

const BINARY = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  reluGrad: (d: number, y: number) => (y > 0 ? d : 0),
};

const UNARY = {
  relu: (x: number) => Math.max(x, 0),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
};

function range(length: number): number[] {
  return [...Array(length).keys()];
}

function sumOver(length: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += term(i);
  return sum;
}

/** The value of a node at one index, from the values of its inputs. */
function elementOf(node: Node, x: readonly Value[]): (index: readonly number[], flat: number) => number {
  switch (node.op) {
    case 'input':
    case 'constant':
      throw new Error(`${node.op} has its values already.`);
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'reluGrad':
      return (index) => BINARY[node.op](stretchedAt(x[0], index), stretchedAt(x[1], index));
    case 'relu':
    case 'sigmoid':
    case 'sqrt':
    case 'sin':
    case 'cos':
      return (_, flat) => UNARY[node.op](x[0].data[flat]);
    case 'matmul': {
      const a = (i: number, j: number) => (node.transposeA ? at(x[0], j, i) : at(x[0], i, j));
      const b = (i: number, j: number) => (node.transposeB ? at(x[1], j, i) : at(x[1], i, j));
      const inner = x[0].shape[node.transposeA ? 0 : 1];
      return ([i, j]) => sumOver(inner, (k) => a(i, k) * b(k, j));
    }
    case 'conv2d': {
      const [picture, weights, bias] = x;
      const [, into, side] = weights.shape;
      const r = (side - 1) / 2;
      return ([n, o, row, column]) =>
        (bias ? bias.data[o] : 0) +
        sumOver(into, (i) =>
          sumOver(side, (p) =>
            sumOver(side, (q) => at(weights, o, i, p, q) * pixel(picture, n, i, row + p - r, column + q - r)),
          ),
        );
    }
    case 'conv2dInputGrad': {
      const [d, weights] = x;
      const [out, , side] = weights.shape;
      const r = (side - 1) / 2;
      return ([n, i, row, column]) =>
        sumOver(out, (o) =>
          sumOver(side, (p) =>
            sumOver(side, (q) => at(weights, o, i, p, q) * pixel(d, n, o, row - p + r, column - q + r)),
          ),
        );
    }
    case 'conv2dWeightGrad': {
      const [picture, d] = x;
      const [batch, , height, width] = d.shape;
      const r = (node.shape[2] - 1) / 2;
      return ([o, i, p, q]) =>
        sumOver(batch, (n) =>
          sumOver(height, (row) =>
            sumOver(width, (column) => at(d, n, o, row, column) * pixel(picture, n, i, row + p - r, column + q - r)),
          ),
        );
    }
    case 'averagePool': {
      const { side } = node;
      return ([n, c, row, column]) =>
        sumOver(side, (p) => sumOver(side, (q) => at(x[0], n, c, side * row + p, side * column + q))) / side ** 2;
    }
    case 'enlarge':
      return ([n, c, row, column]) => at(x[0], n, c, Math.floor(row / node.side), Math.floor(column / node.side));
    case 'reshape':
      return (_, flat) => x[0].data[flat];
    case 'transpose':
      return (index) => at(x[0], ...x[0].shape.map((_, axis) => index[node.permutation.indexOf(axis)]));
    case 'slice':
      return (index) => at(x[0], ...index.map((i, axis) => i + node.starts[axis]));
    case 'pad':
      return (index) => {
        const inner = index.map((i, axis) => i - node.starts[axis]);
        return inner.every((i, axis) => i >= 0 && i < x[0].shape[axis]) ? at(x[0], ...inner) : 0;
      };
    case 'concat':
      return (index) => {
        let place = index[node.axis];
        const part = x.find(({ shape }) => {
          if (place < shape[node.axis]) return true;
          place -= shape[node.axis];
          return false;
        })!;
        return at(part, ...index.map((i, axis) => (axis === node.axis ? place : i)));
      };
    case 'sum':
      return (index) => {
        const ranges = index.map((i, axis) => (node.axes.includes(axis) ? range(x[0].shape[axis]) : [i]));
        const indices = ranges.reduce<number[][]>((all, next) => all.flatMap((p) => next.map((i) => [...p, i])), [[]]);
        return sumOver(indices.length, (k) => at(x[0], ...indices[k]));
      };
    case 'broadcast':
      return (index) => stretchedAt(x[0], index);
    default:
      return node satisfies never;
  }
}

/** Every output of the graph in double precision. Missing inputs throw. */
export function evaluate(
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Record<string, Float64Array> {
  const values: Value[] = [];
  for (const node of graph.nodes) values.push({ shape: node.shape, data: dataOf(node) });

  function dataOf(node: Node): Float64Array {
    if (node.op === 'constant') return Float64Array.from(node.data);
    if (node.op === 'input') {
      const data = inputs[node.name];
      if (data?.length !== sizeOf(node.shape)) throw new Error(`Input ${node.name} must have shape [${node.shape}].`);
      return Float64Array.from(data);
    }
    const data = new Float64Array(sizeOf(node.shape));
    const element = elementOf(
      node,
      node.inputs.map((id) => values[id]),
    );
    forEachIndex(node.shape, (index, flat) => {
      data[flat] = element(index, flat);
    });
    return data;
  }

  return Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [name, values[id].data]));
}

export function createReferenceExecutor(): Executor {
  const live = new Set<Program>();

  async function compile(graph: Graph, { state = {} }: CompileOptions = {}): Promise<Program> {
    let kept: Values = {};
    const program: Program = {
      async run(inputs) {
        const results = evaluate(graph, { ...inputs, ...kept });
        const single = Object.fromEntries(Object.entries(results).map(([name, v]) => [name, Float32Array.from(v)]));
        kept = Object.fromEntries(Object.entries(state).map(([input, output]) => [input, single[output]]));
        for (const output of Object.values(state)) delete single[output];
        return single;
      },
      async writeState(values) {
        kept = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.slice()]));
      },
      async readState() {
        return Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, value.slice()]));
      },
      async release() {
        live.delete(program);
      },
    };
    live.add(program);
    return program;
  }

  return {
    name: 'reference',
    threads: 1,
    compile,
    get livePrograms() {
      return live.size;
    },
    async close() {
      live.clear();
    },
  };
}
