/**
 * Our own format: the kernel and all that has to be known to use it. The only one that tells scale, sense, grid and centring.
 *
 * The same in words for other programs: docs/kernel.schema.json (JSON Schema 2020-12). Numbers are written in full, so that
 * what is read back is what was written.
 */
import * as v from 'valibot';
import { KernelFusionError } from '../errors.ts';
import type { Kernel } from '../kernel.ts';
import { bytesOf, textOf } from './bytes.ts';
import { type About, CENTRINGS, type Found, GRIDS, type KernelFormat, LARGEST_SIDE, SENSES } from './format.ts';

/** Longest file that is read, in bytes: 64 x 64 numbers of 25 characters fill a tenth. */
const LONGEST_FILE = 2 ** 20;

/** Longest side in a file: `corner` adds up to two to 65 (scale 3), three to 64 (scale 4). */
const LARGEST_HERE = LARGEST_SIDE + 2;

const side = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(LARGEST_HERE));
const pixels = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Fields that a later version adds are overlooked. */
const schema = v.object({
  format: v.literal('kernelfusion-kernel'),
  version: v.literal(1),
  size: side,
  scale: v.picklist([1, 2, 3, 4]),
  sense: v.picklist(SENSES),
  grid: v.picklist(GRIDS),
  centring: v.picklist(CENTRINGS),
  /** The values pixels have in files, not amounts of light. */
  light: v.literal('gamma'),
  data: v.pipe(v.array(v.pipe(v.number(), v.finite())), v.maxLength(LARGEST_HERE ** 2)),
  source: v.exactOptional(
    v.object({
      sha256: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
      width: v.exactOptional(pixels),
      height: v.exactOptional(pixels),
    }),
  ),
  options: v.exactOptional(v.record(v.string(), v.unknown())),
  confidence: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
});

/** What editors of Windows put before a text, read a byte a character. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);

/** A line a field, the values one row a line. */
export function writeJson({ size, data }: Kernel, about: About): Uint8Array {
  const { scale, sense, grid, centring, source, options, confidence } = about;
  const told = { format: 'kernelfusion-kernel', version: 1, size, scale, sense, grid, centring, light: 'gamma' };
  const fields = Object.entries({
    ...told,
    ...(source && { source }),
    ...(options && { options }),
    ...(confidence !== undefined && { confidence }),
  });
  const lines = fields.map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const values = Array.from({ length: size }, (_, r) => `    ${data.subarray(r * size, (r + 1) * size).join(', ')}`);
  return bytesOf(ascii(['{', ...lines, '  "data": [', values.join(',\n'), '  ]', '}', ''].join('\n')));
}

/** JSON in ASCII alone: what is not (in options, at most) is escaped. */
const ascii = (json: string) =>
  json.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Throws `BAD_KERNEL`, which names the first field that is not as it should be. */
export function readJson(file: Uint8Array): Found {
  if (file.length > LONGEST_FILE) throw bad('This JSON file is too long to be a kernel.');
  let value: unknown;
  try {
    value = JSON.parse(textOf(file).replace(BYTE_ORDER_MARK, ''));
  } catch (cause) {
    throw new KernelFusionError('BAD_KERNEL', 'This is not a JSON file: it cannot be parsed.', { cause });
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const place = v.getDotPath(issue)?.slice(0, 40);
    const found = place ? `its field "${place}" is not what it should be` : 'it is not an object';
    throw bad(`This JSON file is not a kernel of KernelFusion: ${found}.`);
  }
  const { size, scale, sense, grid, centring, data, source, options, confidence } = parsed.output;
  return {
    ...{ size, scale, sense, grid, centring, values: data },
    ...(source && { source }),
    ...(options && { options }),
    ...(confidence !== undefined && { confidence }),
  };
}

export const jsonFormat: KernelFormat = {
  id: 'json',
  extension: '.json',
  label: 'KernelFusion JSON',
  purpose:
    'To keep a kernel, give it to KernelFusion again, or read it in a script: it tells scale, sense and grid too.',
  recipe: {
    tool: 'KernelFusion',
    language: 'sh',
    code: 'kernelfusion upscale in.png -o out.png --kernel kernel.json',
  },
  sense: 'convolution',
  centring: 'found',
  write: writeJson,
  reader: { recognises: (file) => /^(\xef\xbb\xbf)?\s*\{/.test(textOf(file.subarray(0, 64))), read: readJson },
};
