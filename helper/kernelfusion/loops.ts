/**
 * The solvers' innermost loops, several times as fast as JavaScript's: WebAssembly that works on four floats at a time, from
 * helper/wasm/loops.ts, where each is described.
 *
 * They see only what lies in their own memory. Whoever needs them makes a workspace of the arrays that it works on, and copies
 * what is given in and what is found out, which costs little beside the work; the workspace is freed as any other object is.
 */
import { readFileSync } from 'node:fs';

/** What is used here of WebAssembly, which Node's types leave to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** An array of the workspace, or the part of one that begins where the loop does. */
type Place = Float32Array | Float64Array;

export interface Loops {
  filter(y: Place, x: Place, taps: Place, count: number, length: number): void;
  split(phases: Place, plane: Place, width: number, height: number, s: number, pitch: number, step: number): void;
  join(plane: Place, phases: Place, width: number, height: number, s: number, pitch: number, step: number): void;
  rough(out: Place, x: Place, w: Place, far: number, length: number): void;
  dot(a: Place, b: Place, length: number): number;
  add(x: Place, y: Place, factor: number, length: number): void;
  turn(x: Place, y: Place, factor: number, length: number): void;
  multiply(z: Place, x: Place, y: Place, length: number): void;
  product(y: Place, Q: Place, x: Place, rows: number, columns: number): void;
}

const module = new WebAssembly.Module(readFileSync(new URL('./loops.wasm', import.meta.url)));

/** Bytes of a memory's page. */
const PAGE = 65536;
/** Bytes of a loop's block, to whose end it goes on beyond its length: so much room is left behind an array at least. */
const BLOCK = 128;

/** Arrays of zeros of these lengths, with the loops that may be given them. */
export function makeWorkspace<Name extends string>(
  lengths: Readonly<Record<Name, number>>,
): { readonly loops: Loops; readonly arrays: Readonly<Record<Name, Float32Array>> } {
  const room = (length: number) => (Math.ceil((4 * length) / BLOCK) + 1) * BLOCK;
  const entries = Object.entries<number>(lengths);
  const bytes = entries.reduce((sum, [, length]) => sum + room(length), 0);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  let end = 0;
  const arrays = entries.map(([name, length]) => {
    const array = new Float32Array(memory.buffer, end, length);
    end += room(length);
    return [name, array];
  });
  const addressOf = (value: Place | number) => {
    if (typeof value === 'number') return value;
    if (value.buffer !== memory.buffer) throw new TypeError('This array lies in another memory than the loops');
    return value.byteOffset;
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const loops = Object.entries(exports).flatMap(([name, loop]) =>
    typeof loop === 'function'
      ? [[name, (...values: readonly (Place | number)[]) => loop(...values.map(addressOf))]]
      : [],
  );
  return { loops: Object.fromEntries(loops), arrays: Object.fromEntries(arrays) as Record<Name, Float32Array> };
}
