/**
 * Translates a graph into an ONNX model, in one of two ways.
 *
 * Portable (`block` = 1): standard operators only, for any provider. Blocked (`block` = 8 or 16, the CPU's vector length):
 * convolutions use ONNX Runtime's own NCHWc operators (domain com.microsoft.nchwc), whose memory holds channels in groups of
 * `block`, [N, C/b, H, W, b]. Reordering costs as much as it gains, so a value may exist in several layouts at once, each
 * made when first asked for, and elementwise ops work on blocked memory as it is: between two convolutions nothing moves.
 * Such a value is still declared [N, C, H, W]; only its consumers know.
 * The blocked convolution could also add a residual and apply ReLU itself; measured, that moved the time without saving any.
 */
import { type Graph, inputsOf, type Node, type OpName } from '../../graph.ts';
import { type Shape, sameShape, sizeOf } from '../../shape.ts';
import { type Attribute, NCHWC_DOMAIN, type OnnxInitializer, type OnnxModel, type OnnxNode } from './model.ts';

/** plain: as declared, row-major. The others are of rank-4 values [N, C, H, W]: blocked (above), [N, H, W, C], [C, N, H, W]. */
type Layout = 'plain' | 'blocked' | 'nhwc' | 'cnhw';

type NodeOf<Name extends OpName> = Extract<Node, { op: Name }>;

interface EmitOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

class Lowering {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  private readonly layouts: Partial<Record<Layout, string>>[] = [];
  private readonly integers = new Map<string, string>();
  private readonly graph: Graph;
  private readonly block: number;

  constructor(graph: Graph, block: number) {
    this.graph = graph;
    this.block = block;
  }

  lower(): OnnxModel {
    this.graph.nodes.forEach((node, id) => {
      this.layouts[id] = this.lowerNode(node);
    });
    const outputs = new Map<string, Shape>();
    for (const [name, id] of Object.entries(this.graph.outputs)) {
      this.nodes.push({ op: 'Identity', inputs: [this.as('plain', id)], outputs: [`out:${name}`] });
      outputs.set(`out:${name}`, this.graph.nodes[id].shape);
    }
    const inputs = new Map([...inputsOf(this.graph)].map(([name, shape]) => [`in:${name}`, shape]));
    return { inputs, outputs, initializers: this.initializers, nodes: this.nodes };
  }

  // --- emitting

  private emit(op: string, inputs: readonly string[], { attributes = {}, domain = '' }: EmitOptions = {}): string {
    const name = `${op}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [name], attributes, domain });
    return name;
  }

  private emitBlocked(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.emit(op, inputs, { attributes, domain: NCHWC_DOMAIN });
  }

  private float(data: Float32Array, shape: Shape): string {
    const name = `float_${this.initializers.length}`;
    this.initializers.push({ name, shape, data });
    return name;
  }

  private ints(values: readonly number[]): string {
    const key = values.join();
    const known = this.integers.get(key);
    if (known) return known;
    const name = `int_${this.initializers.length}`;
    this.initializers.push({ name, shape: [values.length], data: BigInt64Array.from(values, BigInt) });
    this.integers.set(key, name);
    return name;
  }

  private reshape(x: string, shape: Shape): string {
    return this.emit('Reshape', [x, this.ints(shape)]);
  }

  private transpose(x: string, perm: readonly number[]): string {
    return this.emit('Transpose', [x], { attributes: { perm } });
  }

  // --- layouts

  /** Whether a value of this shape can be held blocked. */
  private blocks(shape: Shape): boolean {
    return this.block > 1 && shape.length === 4 && shape[1] % this.block === 0;
  }

  private has(layout: Layout, id: number): boolean {
    return this.layouts[id][layout] !== undefined;
  }

  /** The name of node `id`'s value in a layout; converts once, the first time. */
  private as(layout: Layout, id: number): string {
    const known = this.layouts[id];
    known[layout] ??= this.convert(layout, id);
    return known[layout];
  }

  private convert(layout: Layout, id: number): string {
    const c = this.graph.nodes[id].shape[1];
    const { plain, blocked } = this.layouts[id];
    switch (layout) {
      case 'plain':
        return this.emitBlocked('ReorderOutput', [blocked!], { channels: c });
      case 'blocked':
        return this.emitBlocked('ReorderInput', [plain!]);
      case 'nhwc':
        if (plain) return this.transpose(plain, [0, 2, 3, 1]);
        return this.emitBlocked('ReorderOutput', [blocked!], { channels: c, channels_last: 1 });
      case 'cnhw':
        // By way of plain: two passes that move whole rows are four times as fast as one that gathers single numbers.
        return this.transpose(this.as('plain', id), [1, 0, 2, 3]);
      default:
        return layout satisfies never;
    }
  }

  // --- ops

  private lowerNode(node: Node): Partial<Record<Layout, string>> {
    const plain = (input: number) => this.as('plain', node.inputs[input]);
    switch (node.op) {
      case 'input':
        return { plain: `in:${node.name}` };
      case 'constant':
        return { plain: this.float(node.data, node.shape) };
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
      case 'relu':
      case 'sigmoid':
      case 'sqrt':
      case 'sin':
      case 'cos':
      case 'reluGrad':
        return this.elementwise(node);
      case 'matmul': {
        const attributes = { transA: Number(node.transposeA), transB: Number(node.transposeB) };
        return { plain: this.emit('Gemm', [plain(0), plain(1)], { attributes }) };
      }
      case 'conv2d':
        return this.conv2d(node);
      case 'conv2dInputGrad':
        return this.conv2dInputGrad(node);
      case 'conv2dWeightGrad':
        return { plain: this.conv2dWeightGrad(node) };
      case 'averagePool':
        return this.averagePool(node);
      case 'enlarge':
        return this.enlarge(node);
      case 'reshape':
        return { plain: this.reshape(plain(0), node.shape) };
      case 'transpose':
        return { plain: this.transpose(plain(0), node.permutation) };
      case 'slice':
        return this.slice(node);
      case 'pad': {
        const inner = this.graph.nodes[node.inputs[0]].shape;
        const after = node.starts.map((start, axis) => node.shape[axis] - start - inner[axis]);
        return { plain: this.emit('Pad', [plain(0), this.ints([...node.starts, ...after])]) };
      }
      case 'concat':
        return this.concat(node);
      case 'sum':
        return { plain: this.sum(node) };
      case 'broadcast':
        return { plain: this.emit('Expand', [plain(0), this.ints(node.shape)]) };
      default:
        return node satisfies never;
    }
  }

  private elementwise(node: Node): Partial<Record<Layout, string>> {
    const { inputs, shape } = node;
    const full = inputs.filter((id) => sameShape(this.graph.nodes[id].shape, shape));
    const stretched = inputs.filter((id) => !full.includes(id)).map((id) => this.graph.nodes[id].shape);
    const perChannel = (s: Shape) => s.length === 4 && s[1] === shape[1] && s[2] === 1 && s[3] === 1;
    const isScalar = (s: Shape) => sizeOf(s) === 1;
    const blockable = this.blocks(shape) && stretched.every((s) => perChannel(s) || isScalar(s));
    if (!blockable || !full.some((id) => this.has('blocked', id))) {
      return {
        plain: this.emitElementwise(
          node.op,
          inputs.map((id) => this.as('plain', id)),
        ),
      };
    }
    if (stretched.every(isScalar)) {
      const operands = inputs.map((id) => this.as(full.includes(id) ? 'blocked' : 'plain', id));
      return { blocked: this.emitElementwise(node.op, operands) };
    }
    // A value a channel, against blocked memory: [n, C/b, 1, b] against [N, C/b, H W, b].
    const [n, c, h, w] = shape;
    const b = this.block;
    const operands = inputs.map((id) => {
      const own = this.graph.nodes[id].shape;
      if (full.includes(id)) return this.reshape(this.as('blocked', id), [n, c / b, h * w, b]);
      return isScalar(own) ? this.as('plain', id) : this.reshape(this.as('plain', id), [own[0], c / b, 1, b]);
    });
    return { blocked: this.reshape(this.emitElementwise(node.op, operands), shape) };
  }

  private emitElementwise(op: OpName, operands: readonly string[]): string {
    const names: Partial<Record<OpName, string>> = {
      add: 'Add',
      sub: 'Sub',
      mul: 'Mul',
      div: 'Div',
      relu: 'Relu',
      sigmoid: 'Sigmoid',
      sqrt: 'Sqrt',
      sin: 'Sin',
      cos: 'Cos',
    };
    if (op !== 'reluGrad') return this.emit(names[op]!, operands);
    const positive = this.emit('Greater', [operands[1], this.float(Float32Array.of(0), [])]);
    return this.emit('Mul', [operands[0], this.emit('Cast', [positive], { attributes: { to: 1 } })]);
  }

  private sum(node: NodeOf<'sum'>): string {
    const [id] = node.inputs;
    const { axes, shape } = node;
    const attributes = { keepdims: 1 };
    // Over places (and pictures) of a blocked value: [C, N, H W] is at hand from the weight gradient, and sums along rows.
    if (this.has('blocked', id) && axes.includes(2) && axes.includes(3) && !axes.includes(1)) {
      const [n, c] = this.graph.nodes[id].shape;
      const rows = this.reshape(this.as('cnhw', id), axes.includes(0) ? [c, -1] : [c, n, -1]);
      const sums = this.emit('ReduceSum', [rows, this.ints([-1])], { attributes });
      return this.reshape(axes.includes(0) ? sums : this.transpose(sums, [1, 0, 2]), shape);
    }
    return this.emit('ReduceSum', [this.as('plain', id), this.ints(axes)], { attributes });
  }

  private averagePool(node: NodeOf<'averagePool'>): Partial<Record<Layout, string>> {
    const [id] = node.inputs;
    const { side } = node;
    const attributes = { kernel_shape: [side, side], strides: [side, side] };
    if (this.has('blocked', id))
      return { blocked: this.emitBlocked('AveragePool', [this.as('blocked', id)], attributes) };
    return { plain: this.emit('AveragePool', [this.as('plain', id)], { attributes }) };
  }

  private enlarge(node: NodeOf<'enlarge'>): Partial<Record<Layout, string>> {
    const [id] = node.inputs;
    const { side } = node;
    const nearest = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric' };
    if (this.has('blocked', id)) {
      const attributes = { ...nearest, scales: [1, 1, side, side] };
      return { blocked: this.emitBlocked('Upsample', [this.as('blocked', id)], attributes) };
    }
    const scales = this.float(Float32Array.of(1, 1, side, side), [4]);
    const attributes = { ...nearest, nearest_mode: 'floor' };
    return { plain: this.emit('Resize', [this.as('plain', id), '', scales], { attributes }) };
  }

  private slice({ inputs: [id], starts, shape }: NodeOf<'slice'>): Partial<Record<Layout, string>> {
    const ends = starts.map((start, axis) => start + shape[axis]);
    const sliceOf = (x: string) => this.emit('Slice', [x, this.ints(starts), this.ints(ends)]);
    const whole = this.graph.nodes[id].shape;
    const wholePlanes = shape.every((length, axis) => axis === 1 || length === whole[axis]);
    // Whole groups of channels lie in one piece in blocked memory, too.
    if (this.has('blocked', id) && wholePlanes && this.blocks(shape) && starts[1] % this.block === 0) {
      return { blocked: sliceOf(this.as('blocked', id)) };
    }
    return { plain: sliceOf(this.as('plain', id)) };
  }

  private concat({ inputs, axis, shape }: NodeOf<'concat'>): Partial<Record<Layout, string>> {
    const concatOf = (layout: Layout) =>
      this.emit(
        'Concat',
        inputs.map((id) => this.as(layout, id)),
        { attributes: { axis } },
      );
    const inGroups = axis === 1 && this.blocks(shape) && inputs.every((id) => this.blocks(this.graph.nodes[id].shape));
    if (inGroups && inputs.some((id) => this.has('blocked', id))) return { blocked: concatOf('blocked') };
    return { plain: concatOf('plain') };
  }

  private conv2d(node: NodeOf<'conv2d'>): Partial<Record<Layout, string>> {
    const [x, weights, bias] = node.inputs;
    const side = this.graph.nodes[weights].shape[2];
    const w = this.as('plain', weights);
    const b = bias === undefined ? [] : [this.as('plain', bias)];
    if (this.blocks(this.graph.nodes[x].shape) && this.blocks(node.shape)) {
      const packed = this.packWeights(w, this.graph.nodes[weights].shape);
      return { blocked: this.emitBlocked('Conv', [this.as('blocked', x), packed, ...b], same(side)) };
    }
    return { plain: this.emit('Conv', [this.as('plain', x), w, ...b], { attributes: same(side) }) };
  }

  /** The convolution of d with the weights turned by 180 degrees, inputs and outputs exchanged. */
  private conv2dInputGrad(node: NodeOf<'conv2dInputGrad'>): Partial<Record<Layout, string>> {
    const [d, weights] = node.inputs;
    const [out, into, side] = this.graph.nodes[weights].shape;
    let w = this.as('plain', weights);
    if (side > 1) {
      const taps = this.ints([...Array(side * side).keys()].reverse());
      w = this.emit('Gather', [this.reshape(w, [out, into, side * side]), taps], { attributes: { axis: 2 } });
    }
    if (this.blocks(this.graph.nodes[d].shape) && this.blocks(node.shape)) {
      const packed = this.packTransposedWeights(w, this.graph.nodes[weights].shape);
      return { blocked: this.emitBlocked('Conv', [this.as('blocked', d), packed], same(side)) };
    }
    const turned = this.transpose(this.reshape(w, [out, into, side, side]), [1, 0, 2, 3]);
    return { plain: this.emit('Conv', [this.as('plain', d), turned], { attributes: same(side) }) };
  }

  /** [O, I, k, k] in the order of the blocked operators: [O/b, I/b, k, k, b (I), b (O)]. */
  private packWeights(w: string, [out, into, side]: Shape): string {
    const b = this.block;
    const groups = this.reshape(w, [out / b, b, into / b, b, side * side]);
    return this.reshape(this.transpose(groups, [0, 2, 4, 3, 1]), [out, into, side, side]);
  }

  /** The same of the weights with O and I exchanged: [I/b, O/b, k, k, b (O), b (I)]. */
  private packTransposedWeights(w: string, [out, into, side]: Shape): string {
    const b = this.block;
    const groups = this.reshape(w, [out / b, b, into / b, b, side * side]);
    return this.reshape(this.transpose(groups, [2, 0, 4, 1, 3]), [into, out, side, side]);
  }

  /**
   * dw[o, i, p, q] = sum over n, y, x of d[n, o, y, x] x[n, i, y + p - r, x + q - r]: a 3-D convolution in which pictures are
   * the input channels, (y, x, i) the places and d is the kernel. Measured the fastest of eight ways on the CPU; for 1x1
   * it is a matrix product.
   */
  private conv2dWeightGrad(node: NodeOf<'conv2dWeightGrad'>): string {
    const [x, d] = node.inputs;
    const [out, into, side] = node.shape;
    const [n, , h, w] = this.graph.nodes[x].shape;
    const pictures = this.as('nhwc', x);
    const kernel = this.as('cnhw', d);
    if (side === 1) {
      const product = this.emit('Gemm', [
        this.reshape(kernel, [out, n * h * w]),
        this.reshape(pictures, [n * h * w, into]),
      ]);
      return this.reshape(product, node.shape);
    }
    const r = (side - 1) / 2;
    const sums = this.emit(
      'Conv',
      [this.reshape(pictures, [1, n, h, w, into]), this.reshape(kernel, [out, n, h, w, 1])],
      {
        attributes: { kernel_shape: [h, w, 1], pads: [r, r, 0, r, r, 0] },
      },
    );
    return this.transpose(this.reshape(sums, [out, side, side, into]), [0, 3, 1, 2]);
  }
}

function same(side: number): Record<string, Attribute> {
  const r = (side - 1) / 2;
  return { kernel_shape: [side, side], pads: [r, r, r, r] };
}

/**
 * The ONNX model of a graph; inputs are named `in:NAME`, outputs `out:NAME`. `block` is the CPU's NCHWc block size as probed,
 * or 1 for standard operators only.
 */
export function lowerGraph(graph: Graph, block: number): OnnxModel {
  return new Lowering(graph, block).lower();
}
