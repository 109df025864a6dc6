/**
 * TensorFlow.js as far as we use it, and where it comes from: `@tensorflow/tfjs-node-gpu` and `@tensorflow/tfjs-node` compute
 * by native TensorFlow, plain `@tensorflow/tfjs` in JavaScript. None of them is needed; the one asked for is loaded when it is
 * asked for. https://js.tensorflow.org/api/4.22.0/
 */
import { createRequire } from 'node:module';
import type util from 'node:util';

/** A tensor on the device; memory of its own until `dispose`. */
export interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Binary = (x: TfTensor, y: TfTensor) => TfTensor;
type Unary = (x: TfTensor) => TfTensor;

/** The functions that graphs are made of, of the same meaning in every package. */
export interface Tf {
  ready(): Promise<void>;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  memory(): { readonly numTensors: number; readonly numBytes: number };
  /** Disposes of every tensor made inside but the one returned. */
  tidy(compute: () => TfTensor): TfTensor;
  tensor(data: Float32Array, shape: readonly number[], type: 'float32'): TfTensor;
  scalar(value: number): TfTensor;
  add: Binary;
  sub: Binary;
  mul: Binary;
  div: Binary;
  greater: Binary;
  relu: Unary;
  sigmoid: Unary;
  sqrt: Unary;
  sin: Unary;
  cos: Unary;
  zerosLike: Unary;
  where(condition: TfTensor, x: TfTensor, y: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor;
  /** Of [N, H, W, I] and [k, k, I, O]. */
  conv2d(x: TfTensor, w: TfTensor, strides: 1, pad: 'same'): TfTensor;
  /** The gradient of conv2d by its first input. */
  conv2dTranspose(d: TfTensor, w: TfTensor, shape: readonly number[], strides: 1, pad: 'same'): TfTensor;
  /** Of [N, H, W, C]. */
  avgPool(x: TfTensor, side: number, strides: number, pad: 'valid'): TfTensor;
  tile(x: TfTensor, repeats: readonly number[]): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, permutation: readonly number[]): TfTensor;
  slice(x: TfTensor, starts: readonly number[], sizes: readonly number[]): TfTensor;
  pad(x: TfTensor, around: readonly (readonly [number, number])[]): TfTensor;
  concat(parts: readonly TfTensor[], axis: number): TfTensor;
  sum(x: TfTensor, axes: readonly number[], keepLengths: boolean): TfTensor;
  broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor;
  engine(): { runKernel(name: string, inputs: Record<string, TfTensor>, attributes: object): TfTensor };
}

/** As CommonJS: as modules, Node refuses the packages' imports of folders. */
const require = createRequire(import.meta.url);

/** In the order in which they are worth trying. */
const LOADERS = {
  '@tensorflow/tfjs-node-gpu': (): Tf => require('@tensorflow/tfjs-node-gpu'),
  '@tensorflow/tfjs-node': (): Tf => require('@tensorflow/tfjs-node'),
  '@tensorflow/tfjs': (): Tf => require('@tensorflow/tfjs'),
};
export type TfjsPackage = keyof typeof LOADERS;

/** tfjs-node 4.22 asks Node's `util` for functions that Node 23 has removed; those that are there stay as they are. */
export function addRemovedFunctions(target: Partial<typeof util>): void {
  const removed = {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  };
  for (const [name, value] of Object.entries(removed)) if (!(name in target)) Object.assign(target, { [name]: value });
}

/** Loads a package and readies its device. Throws whatever the package throws where it is missing or broken. */
export async function loadTfjs(name: TfjsPackage): Promise<Tf> {
  addRemovedFunctions(require('node:util'));
  const tf = LOADERS[name]();
  if (name === '@tensorflow/tfjs') await tf.setBackend('cpu');
  await tf.ready();
  return tf;
}
