/**
 * Binary frames: pixels on their way, one piece a WebSocket message. A fixed header, numbers in network order (big-endian):
 *
 *    0  u8      'K' (0x4b)
 *    1  u8      version of this header, 1
 *    2  u8      what the payload is: 1 layer, 2 result, 3 preview
 *    3  u8      0, for later use
 *    4  u32     sequence: frames of this kind sent before in this transfer (previews: of this job)
 *    8  u64     offset of the payload's first byte in the layer or result (at most 2^53 - 1); 0 in previews
 *   16  u32     length of the payload, 1 .. CHUNK
 *   20  26 x u8 the job's id, ASCII
 *   46  u16     0, so that the payload begins at a multiple of eight
 *   48          the payload
 *
 * The payload of a preview is its width and height (two u16) and its RGBA rows.
 */
import { KernelFusionError } from '../errors.ts';
import { JOB_ID } from './fields.ts';
import { CHUNK, LARGEST_PREVIEW } from './limits.ts';

export const HEADER = 48;
/** Bytes of the longest message of either kind. */
export const LARGEST_MESSAGE = HEADER + CHUNK;

const MAGIC = 0x4b;
const FRAME_VERSION = 1;
const JOB_AT = 20;
const JOB_LENGTH = 26;

const TYPES = ['layer', 'result', 'preview'] as const;
export type FrameType = (typeof TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  /** Id of a job. */
  readonly job: string;
  /** 0 .. 2^32 - 1. */
  readonly sequence: number;
  /** 0 .. 2^53 - 1. */
  readonly offset: number;
  /** 1 .. CHUNK bytes. */
  readonly payload: Uint8Array;
}

/** Throws `RangeError` where a value is outside of its range: our own mistake. */
export function encodeFrame({ type, job, sequence, offset, payload }: Frame): Uint8Array<ArrayBuffer> {
  const fits =
    JOB_ID.test(job) &&
    Number.isInteger(sequence) &&
    sequence >= 0 &&
    sequence < 2 ** 32 &&
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    payload.length >= 1 &&
    payload.length <= CHUNK;
  if (!fits) throw new RangeError('encodeFrame: a value is out of range');
  const bytes = new Uint8Array(HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, FRAME_VERSION);
  view.setUint8(2, TYPES.indexOf(type) + 1);
  view.setUint32(4, sequence);
  view.setBigUint64(8, BigInt(offset));
  view.setUint32(16, payload.length);
  for (let i = 0; i < JOB_LENGTH; i++) bytes[JOB_AT + i] = job.charCodeAt(i);
  bytes.set(payload, HEADER);
  return bytes;
}

/** The payload is a view of `bytes`, not a copy. Throws `BAD_MESSAGE` unless every byte of the header is as it has to be. */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length <= HEADER || bytes.length > LARGEST_MESSAGE) throw bad('its length is impossible');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== MAGIC) throw bad('it is no frame');
  if (view.getUint8(1) !== FRAME_VERSION) throw bad('its version is unknown');
  const type = TYPES[view.getUint8(2) - 1];
  if (type === undefined) throw bad('its type is unknown');
  if (view.getUint8(3) !== 0 || view.getUint16(46) !== 0) throw bad('what has to be zero is not');
  const offset = Number(view.getBigUint64(8));
  if (!Number.isSafeInteger(offset)) throw bad('its offset is impossible');
  const payload = bytes.subarray(HEADER);
  if (view.getUint32(16) !== payload.length) throw bad('its length is not the one it tells');
  const job = String.fromCharCode(...bytes.subarray(JOB_AT, JOB_AT + JOB_LENGTH));
  if (!JOB_ID.test(job)) throw bad('it names no job');
  return { type, job, sequence: view.getUint32(4), offset, payload };
}

/** A small picture of how a result looks so far: RGBA rows, 1 .. LARGEST_PREVIEW pixels a side. */
export interface PreviewPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const isPreview = (width: number, height: number, bytes: number) =>
  [width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= LARGEST_PREVIEW) &&
  bytes === width * height * 4;

/** The payload of a preview frame. Throws `RangeError` for a picture that is none. */
export function encodePreview({ width, height, rgba }: PreviewPicture): Uint8Array<ArrayBuffer> {
  if (!isPreview(width, height, rgba.length)) throw new RangeError('encodePreview: no picture of its size');
  const payload = new Uint8Array(4 + rgba.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, width);
  view.setUint16(2, height);
  payload.set(rgba, 4);
  return payload;
}

/** Throws `BAD_MESSAGE`. The pixels are a view of `payload`. */
export function decodePreview(payload: Uint8Array): PreviewPicture {
  if (payload.length < 4) throw bad('its preview is no picture');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const [width, height] = [view.getUint16(0), view.getUint16(2)];
  const rgba = payload.subarray(4);
  if (!isPreview(width, height, rgba.length)) throw bad('its preview is no picture');
  return { width, height, rgba };
}

const bad = (reason: string) => new KernelFusionError('BAD_MESSAGE', `A frame could not be understood: ${reason}.`);
