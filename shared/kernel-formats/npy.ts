/**
 * A kernel as a NumPy file: a short text header (a Python dictionary) and then the values, row after row.
 *
 * The file holds the array of `shared/kernel.ts` as it is: the CORRELATION sense, rows first, not flipped, which is also what
 * the benchmark's kernel.npy files hold. It says nothing about the scale, so whoever reads one states the scale.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { KernelFusionError } from '../errors.ts';
import { type Kernel, makeKernel, type Scale } from '../kernel.ts';
import { type Found, type KernelFormat, LARGEST_SIDE } from './format.ts';

/** Longest header that is read; NumPy sets itself the same bound. */
const LONGEST_HEADER = 10_000;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const ALIGNMENT = 64;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);

/** A version 1.0 file: little-endian float32, C order, shape (n, n). */
export function writeNpy(kernel: Kernel): Uint8Array {
  const { size, data } = kernel;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${size}, ${size}), }`;
  const prefix = MAGIC.length + 4;
  const start = Math.ceil((prefix + dictionary.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${dictionary.padEnd(start - prefix - 1)}\n`;
  const file = new Uint8Array(start + 4 * data.length);
  const view = new DataView(file.buffer);
  file.set([...MAGIC, 1, 0]);
  view.setUint16(8, header.length, true);
  for (let i = 0; i < header.length; i++) file[prefix + i] = header.charCodeAt(i);
  data.forEach((value, i) => {
    view.setFloat32(start + 4 * i, value, true);
  });
  return file;
}

/**
 * Reads a square array of up to 64 x 64 float32 or float64 values, either byte order, either memory order, any header
 * version; the sum is made 1. Throws `BAD_KERNEL` for anything else, for values that are missing or left over, and for
 * values that are no kernel (see `makeKernel`).
 */
export function readNpy(file: Uint8Array, scale: Scale): Kernel {
  const { size, values } = readArray(file);
  return makeKernel(size, scale, values);
}

const isNpy = (file: Uint8Array) => MAGIC.every((byte, i) => file[i] === byte);

/** The values, rows first whatever order the file has. */
function readArray(file: Uint8Array): Found {
  if (file.length < 10 || !isNpy(file)) throw bad('This is not a NumPy (.npy) file.');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const { text, start } = readHeader(view);
  const { littleEndian, bytes, fortran, size } = parseHeader(text);
  const count = size * size;
  if (file.length - start !== count * bytes) {
    throw bad(`The kernel file should hold ${count * bytes} bytes of values but holds ${file.length - start}.`);
  }
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const at = start + i * bytes;
    const value = bytes === 4 ? view.getFloat32(at, littleEndian) : view.getFloat64(at, littleEndian);
    values[fortran ? (i % size) * size + Math.floor(i / size) : i] = value;
  }
  return { size, values };
}

/** The dictionary's text and where the values start. */
function readHeader(view: DataView): { text: string; start: number } {
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw bad(`Version ${version} of the NumPy format is not known.`);
  const from = version === 1 ? 10 : 12;
  if (view.byteLength < from) throw bad('The kernel file ends within its header.');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw bad('The header of the kernel file is too long.');
  if (view.byteLength < from + length) throw bad('The kernel file ends within its header.');
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(view.getUint8(from + i));
  return { text, start: from + length };
}

function parseHeader(text: string): { littleEndian: boolean; bytes: 4 | 8; fortran: boolean; size: number } {
  const type = /['"]descr['"]\s*:\s*['"]([<>])f([48])['"]/.exec(text);
  if (!type) throw bad('A kernel file must hold float32 or float64 numbers.');
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const shape = /['"]shape['"]\s*:\s*\(([^()]*)\)/.exec(text);
  if (!order || !shape) throw bad('The header of the kernel file cannot be read.');
  const sides = /^\s*(\d+)\s*,\s*(\d+)\s*,?\s*$/.exec(shape[1]);
  if (!sides || Number(sides[1]) !== Number(sides[2])) {
    throw bad(`A kernel must be a square array, not one of shape (${shape[1].trim().slice(0, 40)}).`);
  }
  const size = Number(sides[1]);
  if (size < 1 || size > LARGEST_SIDE) throw bad(`A kernel's side must be 1 to ${LARGEST_SIDE}, not ${size}.`);
  return { littleEndian: type[1] === '<', bytes: type[2] === '4' ? 4 : 8, fortran: order[1] === 'True', size };
}

export const npyFormat: KernelFormat = {
  id: 'npy',
  extension: '.npy',
  label: 'NumPy',
  purpose: 'For Python, in the sense PyTorch and OpenCV take; turned by [::-1, ::-1] for convolutions.',
  recipe: {
    tool: 'PyTorch',
    language: 'python',
    code: `blurred = torch.nn.functional.conv2d(picture, torch.from_numpy(numpy.load('kernel.npy'))[None, None])`,
  },
  sense: 'correlation',
  centring: 'found',
  write: writeNpy,
  reader: { recognises: isNpy, read: readArray },
};
