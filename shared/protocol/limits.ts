/**
 * The numbers both sides of the socket keep to. Changing one of them is a new PROTOCOL_VERSION, unless it only allows more.
 */

/** What a `hello` says. Frames, `hello` and `error` are the same in every version, so that two sides can always part in words. */
export const PROTOCOL_VERSION = 1;

/** The subprotocol both sides select. */
export const SUBPROTOCOL = 'kernelfusion.v1';
/** What a paired panel offers beside it: this, and its token in base64url. */
export const TOKEN_PREFIX = 'token.';

/** Bytes of pixels in a frame: every frame of a layer or a result has as many, except the last. */
export const CHUNK = 2 ** 20;
/** Bytes of pixels that may be on their way without `received`: what the other side has to keep in memory at most. */
export const WINDOW = 8 * CHUNK;
/** `received` is sent at least after so many bytes, and at the end. */
export const ACKNOWLEDGE_EVERY = 4 * CHUNK;

/** Characters of a control message. */
export const LONGEST_TEXT = 2 ** 18;

/** Sides of a layer in pixels, and of a picture file: smaller ones tell nothing about their blur. */
export const LEAST_SIDE = 16;
/** Pixels of a layer, and of a picture file unless it is told otherwise: 4096 x 4096. */
export const MOST_PIXELS = 2 ** 24;
/** Pixels of a result: 8192 x 8192. */
export const MOST_RESULT_PIXELS = 2 ** 26;
/** Side of a preview in pixels. */
export const LARGEST_PREVIEW = 256;
/** Side of a kernel that is sent along. */
export const LARGEST_KERNEL = 64;
/** The same at an odd scale, where a given side of 64 gains a row and a column: such a result's kernel can be given again. */
export const LARGEST_ODD_KERNEL = LARGEST_KERNEL + 1;
/** The one of the two that holds at a scale, for files as well. */
export const largestKernel = (scale: number): number => (scale % 2 === 0 ? LARGEST_KERNEL : LARGEST_ODD_KERNEL);

/** Requests of one connection that wait for their answer. */
export const MOST_REQUESTS = 32;
/** Layers of one connection on their way in at the same time, and results on their way out. */
export const MOST_TRANSFERS = 2;
