import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KernelFusionError } from '../../../shared/errors.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { readNpy, writeNpy } from '../../../shared/kernel-formats/npy.ts';
import { needsPython, runPython } from '../../support/python.ts';

const badKernel = (sentence: RegExp) => (error: unknown) =>
  error instanceof KernelFusionError && error.code === 'BAD_KERNEL' && sentence.test(error.message);

/** A version 1.0 file with that header text and those little-endian float32 values. */
function file(header: string, values: number[], version = 1): Uint8Array {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  const data = Buffer.from(Float32Array.from(values).buffer);
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(header),
    data,
  ]);
}

test('a 2 x 2 kernel becomes 144 bytes: a header padded to 128, then its rows', () => {
  const bytes = writeNpy(makeKernel(2, 2, [1, 2, 4, 1]));
  assert.equal(bytes.length, 128 + 16);
  assert.deepEqual([...bytes.subarray(0, 10)], [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  const header = Buffer.from(bytes.subarray(10, 128)).toString();
  assert.equal(header, `${"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117)}\n`);
  const view = new DataView(bytes.buffer, 128);
  assert.deepEqual(
    [0, 4, 8, 12].map((at) => view.getFloat32(at, true)),
    [0.125, 0.25, 0.5, 0.125],
  );
});

test('what is written is read back to float32 precision, whatever the kernel', () => {
  const kernels = fc
    .integer({ min: 1, max: 64 })
    .chain((n) =>
      fc.tuple(
        fc.constant(n),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: n * n, maxLength: n * n }),
      ),
    );
  fc.assert(
    fc.property(kernels, ([n, values]) => {
      fc.pre(values.some((v) => v > 1e-3));
      const kernel = makeKernel(n, 3, values);
      const read = readNpy(writeNpy(kernel), 3);
      assert.equal(read.size, n);
      assert.equal(read.scale, 3);
      kernel.data.forEach((v, i) => {
        assert.ok(Math.abs(v - read.data[i]) < 1e-6);
      });
    }),
    { numRuns: 30 },
  );
});

test('columns-first files, double quotes, other orders of the keys and later versions are read', () => {
  const header = `{"shape": (2, 2,), "fortran_order": True, "descr": "<f4"}`;
  for (const version of [1, 2, 3]) {
    assert.deepEqual([...readNpy(file(header, [1, 2, 4, 1], version), 2).data], [0.125, 0.5, 0.25, 0.125]);
  }
});

test('a file within a larger buffer is read from its own start', () => {
  const bytes = writeNpy(makeKernel(2, 2, [1, 2, 4, 1]));
  const padded = new Uint8Array(bytes.length + 3);
  padded.set(bytes, 3);
  assert.equal(readNpy(padded.subarray(3), 2).data[2], 0.5);
});

test('each kind of unfit file is refused with a sentence of its own', () => {
  const dictionary = (descr: string, shape: string) =>
    `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const read = (bytes: Uint8Array) => () => readNpy(bytes, 2);
  assert.throws(read(new Uint8Array(0)), badKernel(/not a NumPy/));
  assert.throws(read(Buffer.from('a photograph, not a kernel')), badKernel(/not a NumPy/));
  assert.throws(read(file(dictionary('<f4', '(1, 1)'), [1], 4)), badKernel(/Version 4/));
  assert.throws(read(file(dictionary('<i4', '(1, 1)'), [1])), badKernel(/float32 or float64/));
  assert.throws(read(file(dictionary('|O', '(1, 1)'), [1])), badKernel(/float32 or float64/));
  assert.throws(read(file(dictionary('<f4', '(1, 2)'), [1, 1])), badKernel(/square array.*\(1, 2\)/));
  assert.throws(read(file(dictionary('<f4', '(4,)'), [1, 1, 1, 1])), badKernel(/square array/));
  assert.throws(read(file(dictionary('<f4', '(1, 1, 1)'), [1])), badKernel(/square array/));
  assert.throws(read(file(dictionary('<f4', '(0, 0)'), [])), badKernel(/side must be 1 to 65, not 0/));
  assert.throws(
    read(file(dictionary('<f4', '(66, 66)'), Array(66 * 66).fill(1))),
    badKernel(/side must be 1 to 65, not 66/),
  );
  assert.throws(read(file(dictionary('<f4', '(99999999999, 99999999999)'), [])), badKernel(/side must be 1 to 65/));
  assert.throws(read(file(dictionary('<f4', '(2, 2)'), [1, 1, 1])), badKernel(/16 bytes of values but holds 12/));
  assert.throws(read(file(dictionary('<f4', '(2, 2)'), [1, 1, 1, 1, 1])), badKernel(/holds 20/));
  assert.throws(read(file(dictionary('<f4', '(1, 1)'), [Number.NaN])), badKernel(/finite/));
  assert.throws(read(file(dictionary('<f4', '(1, 1)'), [-1])), badKernel(/positive sum/));
  assert.throws(read(file(`{'descr': '<f4', 'shape': (1, 1)}`, [1])), badKernel(/header/));
  assert.throws(read(file(' '.repeat(20_000), [1])), badKernel(/too long/));
  assert.throws(read(file(dictionary('<f4', '(1, 1)'), []).subarray(0, 30)), badKernel(/ends within its header/));
});

test('no bytes make the reader fail without a code', () => {
  const good = writeNpy(
    makeKernel(
      4,
      2,
      Array.from({ length: 16 }, (_, i) => i),
    ),
  );
  const damaged = fc
    .tuple(fc.nat(good.length), fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }))
    .map(([length, edits]) => {
      const bytes = good.slice();
      for (const [at, value] of edits) bytes[at] = value;
      return bytes.subarray(0, length);
    });
  const anything = fc.uint8Array({ maxLength: 300 }).map((tail) => Uint8Array.from([...good.subarray(0, 8), ...tail]));
  fc.assert(
    fc.property(fc.oneof(damaged, anything), (bytes) => {
      try {
        const { size, data } = readNpy(bytes, 2);
        assert.equal(data.length, size * size);
        assert.ok(data.every(Number.isFinite));
      } catch (error) {
        assert.ok(error instanceof KernelFusionError && error.code === 'BAD_KERNEL', String(error));
      }
    }),
    { numRuns: 500 },
  );
});

const numpy = needsPython('numpy');

test('NumPy reads the same rows and columns', numpy, () => {
  const kernel = makeKernel(3, 3, [1, 2, 3, 4, 5, 6, 7, 8, 56]);
  const program = `
import io, json, sys, numpy
a = numpy.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
print(json.dumps([a.dtype.str, a.flags.c_contiguous, a.tolist()]))`;
  const [type, rowsFirst, rows] = JSON.parse(runPython(program, writeNpy(kernel)));
  assert.equal(type, '<f4');
  assert.equal(rowsFirst, true);
  assert.deepEqual(rows.flat(), Array.from(Float32Array.from(kernel.data)));
});

test('every float type, memory order and version that NumPy writes is read', numpy, () => {
  const program = `
import base64, io, json, numpy
from numpy.lib import format
out = []
a = (numpy.arange(36).reshape(6, 6) ** 2) / 14910
for dtype in ['<f4', '<f8', '>f4', '>f8']:
  for order in 'CF':
    for version in [(1, 0), (2, 0), (3, 0)]:
      f = io.BytesIO()
      format.write_array(f, numpy.array(a, dtype, order=order), version=version)
      out.append([f'{dtype} {order} {version}', base64.b64encode(f.getvalue()).decode()])
print(json.dumps(out))`;
  const files: [string, string][] = JSON.parse(runPython(program, new Uint8Array(0)));
  assert.equal(files.length, 24);
  for (const [name, base64] of files) {
    const { data } = readNpy(Buffer.from(base64, 'base64'), 2);
    data.forEach((v, i) => {
      assert.ok(Math.abs(v - i ** 2 / 14910) < 1e-7, name);
    });
  }
});
