/**
 * The control messages: JSON texts, told apart by `type`; pixels travel in frames (frames.ts). docs/protocol.md tells the story
 * and has an example of each.
 *
 * The one idea: nothing reaches the code behind without its schema. The helper refuses what it does not know, down to single
 * fields; the panel overlooks fields that a newer helper added.
 */
import * as v from 'valibot';
import { KernelFusionError } from '../errors.ts';
import {
  failure,
  jobId,
  kernel,
  layer,
  optionsAsked,
  positive,
  program,
  progress,
  request,
  secret,
  status,
  whole,
} from './fields.ts';
import { LARGEST_ODD_KERNEL, LONGEST_TEXT } from './limits.ts';

const type = <const Name extends string>(name: Name) => v.literal(name);

const clientMessage = v.variant('type', [
  /** The first message. Not strict: whatever a later version adds, its number must get through. */
  v.object({ type: type('hello'), protocol: positive, nonce: secret, client: program }),
  /** The only message before a pairing: the code the helper shows. */
  v.strictObject({ type: type('pair'), code: v.pipe(v.string(), v.regex(/^[0-9]{6}$/)) }),
  /** What a job would take, before a pixel is read. `kernelSide`: of the kernel, where it is known. */
  v.strictObject({
    ...{ type: type('estimate'), request, layer, options: optionsAsked },
    kernelSide: v.exactOptional(v.pipe(positive, v.maxValue(LARGEST_ODD_KERNEL))),
  }),
  /** A new job; its layer follows in frames once `started` has come. `kernel`: where it is known. */
  v.strictObject({ type: type('start'), request, layer, options: optionsAsked, kernel: v.exactOptional(kernel) }),
  /** The layer is complete. */
  v.strictObject({ type: type('uploaded'), request, job: jobId }),
  /** A job of an earlier connection: how it stands, and from now on how it goes. */
  v.strictObject({ type: type('resume'), request, job: jobId }),
  v.strictObject({ type: type('list'), request }),
  v.strictObject({ type: type('cancel'), request, job: jobId }),
  /** Deletes the job: its result has arrived, or is not wanted. */
  v.strictObject({ type: type('forget'), request, job: jobId }),
  /** The pixels of the result, from a byte on. */
  v.strictObject({ type: type('fetch'), request, job: jobId, offset: whole }),
  /** Bytes of the result that have arrived: counted from its first byte. */
  v.strictObject({ type: type('received'), job: jobId, bytes: whole }),
  /** Asks for `pong`: a page cannot see the pings of the socket. */
  v.strictObject({ type: type('ping') }),
]);

const helperMessage = v.variant('type', [
  /** The answer to `hello`: only now may pixels be sent, if the proof (proof.ts) is right. */
  v.object({ type: type('welcome'), protocol: positive, proof: secret, helper: program }),
  /** The answer to `pair`. The token goes into the subprotocol from now on; the key checks proofs and is never sent again. */
  v.object({ type: type('paired'), token: secret, helperKey: secret }),
  v.object({
    type: type('estimated'),
    request,
    seconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
    /** Bytes at its peak. */
    memory: whole,
    /** Bytes until the result is fetched. */
    disk: whole,
    /** Why `start` would be refused at this moment. */
    refusal: v.nullable(failure),
  }),
  /** The layer may come. */
  v.object({ type: type('started'), request, job: jobId }),
  /** Bytes of the layer that are on the disk: counted from its first byte. */
  v.object({ type: type('received'), job: jobId, bytes: whole }),
  /** How a job stands: the answer where it has a `request`, else it changed. Kernel and preview, if new, went before. */
  v.object({ type: type('job'), request: v.exactOptional(request), job: status }),
  v.object({ type: type('jobs'), request, jobs: v.pipe(v.array(status), v.readonly()) }),
  v.object({ type: type('progress'), job: jobId, ...progress.entries }),
  /** The kernel as estimated so far, or that of the result. */
  v.object({ type: type('kernel'), job: jobId, kernel }),
  /** The answer to `fetch`: frames follow, up to `bytes`. */
  v.object({ type: type('sending'), request, job: jobId, offset: whole, bytes: positive }),
  /** Done as asked: the answer to `cancel` and `forget`. */
  v.object({ type: type('ok'), request }),
  /** The job was forgotten, from another connection perhaps, or has expired. */
  v.object({ type: type('gone'), job: jobId }),
  /** With `request`: it failed. With `job` alone: its layer or result is no longer on its way. With neither: the end of the connection. */
  v.object({ type: type('error'), request: v.exactOptional(request), job: v.exactOptional(jobId), ...failure.entries }),
  v.object({ type: type('pong') }),
]);

export type ClientMessage = v.InferOutput<typeof clientMessage>;
export type HelperMessage = v.InferOutput<typeof helperMessage>;
export type Hello = Extract<ClientMessage, { type: 'hello' }>;

const typesOf = (union: { options: readonly { entries: { type: { literal: string } } }[] }) =>
  union.options.map(({ entries }) => entries.type.literal);

export const CLIENT_TYPES: readonly string[] = typesOf(clientMessage);
export const HELPER_TYPES: readonly string[] = typesOf(helperMessage);

/** What a client may say. Throws `BAD_MESSAGE`, which tells the place of the mistake, but no value that was sent. */
export const parseClientMessage = (text: string): ClientMessage => parse(clientMessage, text);

/** What a helper may say. Throws `BAD_MESSAGE`. */
export const parseHelperMessage = (text: string): HelperMessage => parse(helperMessage, text);

function parse<Schema extends typeof clientMessage | typeof helperMessage>(
  schema: Schema,
  text: string,
): v.InferOutput<Schema> {
  if (text.length > LONGEST_TEXT) throw bad(`it is longer than ${LONGEST_TEXT} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad('it is not JSON'); // The reason JSON.parse gives quotes the text.
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue)?.slice(0, 80) ?? 'the whole';
  // What was expected comes from the schema; "received" would repeat what was sent.
  const told = issue.expected !== null && issue.expected !== 'unknown';
  throw bad(told ? `${place} should be ${issue.expected}` : `${place} is not what it has to be`);
}

const bad = (reason: string) => new KernelFusionError('BAD_MESSAGE', `A message could not be understood: ${reason}.`);
