/**
 * The values messages are made of. What a person can get wrong (options, kernel, the layer's area) is only checked for its
 * form here: its own parser says what is wrong with it, in a sentence.
 */
import * as v from 'valibot';
import { PRESETS } from '../options.ts';
import { LARGEST_ODD_KERNEL, largestKernel } from './limits.ts';

/** 26 characters of a-z0-9 (130 bits), made by the helper: not to be guessed. */
export const JOB_ID = /^[a-z0-9]{26}$/;
export const jobId = v.pipe(v.string(), v.regex(JOB_ID));

export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const finite = v.pipe(v.number(), v.finite());
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const text = v.pipe(v.string(), v.maxLength(1000));
const scale = v.picklist([1, 2, 3, 4]);

/** 32 bytes in base64url, the one way to write them (the last character carries four bits). */
export const secret = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/));
/** Chosen by the client, given back in the answer. */
export const request = v.pipe(whole, v.maxValue(2 ** 32 - 1));
/** Name and version of a program, for logs. */
export const program = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

/** Rows of RGBA pixels, alpha not premultiplied. */
export const layer = v.strictObject({
  width: positive,
  height: positive,
  channels: v.literal(4),
  depth: v.literal(8),
});

/** A kernel in the sense of shared/kernel.ts. `data`: size * size values, rows first. */
export const kernel = v.pipe(
  v.strictObject({
    size: v.pipe(positive, v.maxValue(LARGEST_ODD_KERNEL)),
    scale,
    data: v.pipe(v.array(finite), v.maxLength(LARGEST_ODD_KERNEL ** 2), v.readonly()),
  }),
  v.forward(
    v.check(({ size, scale }) => size <= largestKernel(scale)),
    ['size'],
  ),
);

/** Whatever object: `parseOptions` of shared/options.ts knows what it has to be. */
export const optionsAsked = v.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

const optionsUsed = v.object({
  scale,
  preset: v.picklist(PRESETS),
  seed: whole,
  kernelSide: v.nullable(positive),
  noise: v.nullable(finite),
});

/** A stable code (shared/errors.ts; a newer helper may know more of them) and a sentence for the person. */
export const failure = v.object({
  code: v.pipe(v.string(), v.regex(/^[A-Z_]{1,40}$/)),
  sentence: text,
});

export const progress = v.object({
  phase: v.picklist(['prior', 'kernel', 'image', 'alpha']),
  /** Share of the whole job that is done. */
  fraction: share,
  /** `null` while nothing is known about the speed. */
  etaSeconds: v.nullable(v.pipe(finite, v.minValue(0))),
  /** What made it go on in another way than it began: a sentence for the person. */
  note: v.exactOptional(text),
});

const result = v.object({
  layer,
  /** Size of the result's pixels. */
  bytes: positive,
  kernelSource: v.picklist(['estimated', 'given', 'bicubic']),
  /** Probability that the kernel found is better than the plain bicubic one; `null` where that is not known. An earlier helper says nothing. */
  confidence: v.exactOptional(v.nullable(share)),
  /** Sentences for the person: a fall-back that was taken and why. */
  notes: v.pipe(v.array(text), v.readonly()),
  /** Standard deviation of the noise that was assumed, in 8-bit levels. */
  noise: finite,
  /** PSNR in dB between the layer and the result blurred and reduced again. */
  lrConsistency: finite,
  /** Seconds, by phase and in all. */
  timings: v.record(v.string(), finite),
  versions: v.record(v.string(), text),
  seed: whole,
});

/** All about a job but its pixels and kernels, which have messages of their own. */
export const status = v.object({
  id: jobId,
  state: v.picklist(['uploading', 'queued', 'running', 'done', 'failed', 'cancelled']),
  /** Jobs that come before this one; 0 for one that runs or has ended. */
  position: whole,
  layer,
  options: optionsUsed,
  /** Milliseconds since 1970. */
  created: whole,
  progress: v.exactOptional(progress),
  /** What a job waits for, besides its turn: memory, or room on the disk. */
  shortage: v.exactOptional(failure),
  /** Where `done`. */
  result: v.exactOptional(result),
  /** Where `failed`. */
  error: v.exactOptional(failure),
});

export type JobStatus = v.InferOutput<typeof status>;
export type WireKernel = v.InferOutput<typeof kernel>;
