/**
 * What the answers of a page have to look like. The page may be hostile: what does not fit is no answer. Texts are cut, for a
 * person may well name a layer with a whole poem.
 */
import * as v from 'valibot';
import { type ErrorCode, EXIT_CODES } from '../../shared/errors.ts';
import { EDITOR_NAMES } from '../editors/editor.ts';
import type { Answered, Ask } from '../page/messages.ts';

/** The longest side any browser's canvas can have. */
const LONGEST_SIDE = 65535;

const text = (length: number) =>
  v.pipe(
    v.string(),
    v.transform((value) => value.slice(0, length)),
  );
const name = text(200);
const id = v.pipe(v.string(), v.maxLength(100));
const place = v.pipe(v.number(), v.safeInteger());
const extent = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LONGEST_SIDE));
const side = v.pipe(extent, v.minValue(1));
const transfer = v.pipe(v.number(), v.safeInteger());
const rows = v.instance(ArrayBuffer);

const layer = v.object({
  id,
  name,
  kind: v.picklist(['pixels', 'text', 'shape', 'group', 'adjustment', 'empty', 'other']),
  visible: v.boolean(),
  ...{ x: place, y: place, width: extent, height: extent },
  refusal: v.nullable(text(500)),
});

export const ANSWERS: { readonly [A in Ask]: v.GenericSchema<unknown, Answered[A]> } = {
  editor: v.object({
    name: v.picklist(EDITOR_NAMES),
    modes: v.pipe(v.array(v.picklist(['enlarge-document', 'keep-document', 'new-document'])), v.minLength(1)),
    tests: v.boolean(),
  }),
  document: v.object({ name, width: side, height: side, longestSide: v.exactOptional(side) }),
  layers: v.pipe(v.array(layer), v.maxLength(10_000)),
  active: v.nullable(layer),
  thumbnail: v.object({ width: side, height: side, rows }),
  read: v.object({ x: place, y: place, width: side, height: side, transfer }),
  pull: v.object({ rows }),
  receive: v.object({ transfer }),
  push: v.null(),
  insert: v.object({
    layerId: id,
    undoSteps: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)),
    note: v.exactOptional(text(500)),
  }),
  drop: v.null(),
  undo: v.null(),
  test: v.object({ transfer }),
  step: v.nullable(v.object({ step: name, ok: v.boolean(), detail: text(500) })),
};

const errorCode = v.custom<ErrorCode>((value) => typeof value === 'string' && Object.hasOwn(EXIT_CODES, value));

/** An answer before it is known to which question. */
export const ANSWER = v.variant('ok', [
  v.object({ id: v.number(), ok: v.literal(true), value: v.unknown() }),
  v.object({ id: v.number(), ok: v.literal(false), code: errorCode, sentence: text(500) }),
]);
