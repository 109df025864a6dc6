/**
 * A kernel as a MATLAB file of level 5, with two variables for two kinds of readers: `kernel` in CONVOLUTION sense, for MATLAB's
 * and Octave's own functions, USRNet and KAIR; `Kernel` in CORRELATION sense, what KernelGAN writes and ZSSR reads.
 *
 * MAT-File Format, "Level 5 MAT-File Format": https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf. After a header of
 * 128 bytes come data elements: an 8-byte tag (type, bytes; or both and up to 4 bytes of data within the 8) and data padded to 8
 * bytes. A matrix is an element made of elements: flags, sides, name, values column after column.
 */
import { KernelFusionError } from '../errors.ts';
import { flip, type Kernel } from '../kernel.ts';
import { bytesOf, joined, textOf, viewOf } from './bytes.ts';
import { type Found, type KernelFormat, LARGEST_SIDE, type Sense } from './format.ts';
import { inflate } from './inflate.ts';

const HEADER = 128;
const [INT8, INT32, UINT32, DOUBLE, MATRIX, COMPRESSED] = [1, 5, 6, 9, 14, 15];
/** Classes of arrays: double; from it to uint64 all are real numbers. */
const DOUBLE_CLASS = 6;
const UINT64_CLASS = 15;
const COMPLEX = 0x800;

/** Bytes and getter of each type numbers are stored as. A double array of small whole numbers may be stored as bytes. */
const NUMBERS: Readonly<
  Record<number, readonly [bytes: number, get: (view: DataView, at: number, le: boolean) => number]>
> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, le) => view.getInt16(at, le)],
  4: [2, (view, at, le) => view.getUint16(at, le)],
  5: [4, (view, at, le) => view.getInt32(at, le)],
  6: [4, (view, at, le) => view.getUint32(at, le)],
  7: [4, (view, at, le) => view.getFloat32(at, le)],
  9: [8, (view, at, le) => view.getFloat64(at, le)],
  12: [8, (view, at, le) => Number(view.getBigInt64(at, le))],
  13: [8, (view, at, le) => Number(view.getBigUint64(at, le))],
};

/** Bytes a compressed variable may have: the largest kernel in doubles, with its tags and a long name. */
const LARGEST_VARIABLE = 8 * LARGEST_SIDE ** 2 + 512;
/** Variables that are looked at; each compressed one is unpacked. */
const MOST_VARIABLES = 64;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);
const damaged = () => bad('The MATLAB file is damaged or cut off.');
const padded = (length: number) => Math.ceil(length / 8) * 8;

// Writing

/** An element: its tag, its data, zeros up to a multiple of 8 bytes. */
function element(type: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + padded(data.length));
  const view = new DataView(out.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, data.length, true);
  out.set(data, 8);
  return out;
}

function words(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) view.setInt32(4 * i, value, true);
  return new Uint8Array(view.buffer);
}

function matrix(name: string, { size, data }: Kernel): Uint8Array {
  const columns = new DataView(new ArrayBuffer(8 * data.length));
  data.forEach((value, i) => {
    columns.setFloat64(8 * ((i % size) * size + Math.floor(i / size)), value, true);
  });
  const parts = [
    element(UINT32, words(DOUBLE_CLASS, 0)),
    element(INT32, words(size, size)),
    element(INT8, bytesOf(name)),
    element(DOUBLE, new Uint8Array(columns.buffer)),
  ];
  return element(MATRIX, joined(parts));
}

/** `kernel` in convolution sense. */
export function writeMat(kernel: Kernel): Uint8Array {
  const text = 'MATLAB 5.0 MAT-file, a kernel of KernelFusion: kernel (convolution), Kernel (correlation)';
  const header = new Uint8Array(HEADER);
  header.set(bytesOf(text.padEnd(116)));
  header.set([0x00, 0x01, 0x49, 0x4d], 124); // version 0x0100, "IM": both little-endian
  return joined([header, matrix('kernel', kernel), matrix('Kernel', flip(kernel))]);
}

// Reading

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
  /** Where the next one begins. */
  readonly next: number;
}

function elementAt(bytes: Uint8Array, at: number, le: boolean): Element {
  if (at + 8 > bytes.length) throw damaged();
  const view = viewOf(bytes);
  const first = view.getUint32(at, le);
  const isSmall = first > 0xffff;
  const [type, length] = isSmall ? [first & 0xffff, first >>> 16] : [first, view.getUint32(at + 4, le)];
  const start = at + (isSmall ? 4 : 8);
  const end = start + length;
  if (isSmall ? length > 4 : end > bytes.length) throw damaged();
  // Only compressed elements are not padded.
  return {
    type,
    data: bytes.subarray(start, end),
    next: isSmall ? at + 8 : type === COMPRESSED ? end : start + padded(length),
  };
}

interface Variable extends Found {
  readonly name: string;
}

/** A square array of real numbers of a kernel's size; `null` for every other variable. */
function variableIn(bytes: Uint8Array, le: boolean): Variable | null {
  const flags = elementAt(bytes, 0, le);
  if (flags.data.length < 8) throw damaged();
  const word = viewOf(flags.data).getUint32(0, le);
  const kind = word & 0xff;
  if (kind < DOUBLE_CLASS || kind > UINT64_CLASS || (word & COMPLEX) !== 0) return null;
  const sides = elementAt(bytes, flags.next, le);
  const name = elementAt(bytes, sides.next, le);
  const real = elementAt(bytes, name.next, le);
  if (sides.data.length !== 8) return null;
  const size = viewOf(sides.data).getInt32(0, le);
  if (viewOf(sides.data).getInt32(4, le) !== size || size < 1 || size > LARGEST_SIDE) return null;
  const stored = NUMBERS[real.type];
  if (!stored || real.data.length !== stored[0] * size * size) throw damaged();
  const [width, get] = stored;
  const view = viewOf(real.data);
  const values = Float64Array.from({ length: size * size }, (_, i) =>
    get(view, width * ((i % size) * size + Math.floor(i / size)), le),
  );
  return { name: textOf(name.data), size, values };
}

/** Every variable that may be a kernel. */
function variables(file: Uint8Array, le: boolean): Variable[] {
  const found: Variable[] = [];
  let count = 0;
  for (let at = HEADER; at < file.length && count < MOST_VARIABLES; count++) {
    const outer = elementAt(file, at, le);
    at = outer.next;
    const inner = outer.type === COMPRESSED ? unpacked(outer.data, le) : outer;
    const variable = inner?.type === MATRIX ? variableIn(inner.data, le) : null;
    if (variable) found.push(variable);
  }
  return found;
}

/** The element within a compressed one; `null` where it is larger than a kernel can be. */
function unpacked(packed: Uint8Array, le: boolean): Element | null {
  const bytes = inflate(packed, LARGEST_VARIABLE);
  return bytes && elementAt(bytes, 0, le);
}

/**
 * The variable `kernel` (convolution sense), else `Kernel` (correlation sense), else the only square one. Throws `BAD_KERNEL`.
 * Files of level 7.3 are HDF5 and are not read.
 */
export function readMat(file: Uint8Array): Found {
  const text = textOf(file.subarray(0, HEADER));
  if (text.startsWith('MATLAB 7.3')) throw bad("This MATLAB file is of version 7.3: save it by save(..., '-v7').");
  const order = text.slice(126, 128);
  if (!isMat(file) || (order !== 'IM' && order !== 'MI')) throw bad('This is not a MATLAB file of level 5.');
  const found = variables(file, order === 'IM');
  const named = (name: string) => found.find((variable) => variable.name === name);
  const { name, size, values } = named('kernel') ?? named('Kernel') ?? theOnly(found);
  const sense: Sense = name === 'Kernel' ? 'correlation' : 'convolution';
  // Another name says nothing about the sense, so it is left to whoever imports it.
  return { size, values, ...((name === 'kernel' || name === 'Kernel') && { sense }) };
}

function theOnly(found: readonly Variable[]): Variable {
  if (found.length === 1) return found[0];
  const several =
    found.length > 1 ? 'several square arrays' : `no square array of up to ${LARGEST_SIDE} x ${LARGEST_SIDE}`;
  throw bad(`The MATLAB file holds ${several}: name the kernel "kernel".`);
}

const isMat = (file: Uint8Array) => textOf(file.subarray(0, 7)) === 'MATLAB ';

export const matFormat: KernelFormat = {
  id: 'mat',
  extension: '.mat',
  label: 'MATLAB',
  purpose: 'For MATLAB and Octave, KernelGAN and ZSSR, USRNet and KAIR.',
  recipe: {
    tool: 'Octave',
    language: 'octave',
    code: "load('kernel.mat'); sharp = deconvwnr(padarray(picture, [32 32], 'symmetric'), kernel, 0.01)(33:end-32, 33:end-32);",
  },
  sense: 'convolution',
  centring: 'found',
  write: writeMat,
  reader: { recognises: isMat, read: readMat },
};
