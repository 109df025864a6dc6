/**
 * The code that makes a panel known: the helper shows six digits, the person types them into the panel. That shows that the
 * panel's person can see what the helper's person sees.
 *
 * The code on offer is a file (0600) that the running helper reads when a panel names one: so "kernelfusion pair" can make a
 * new one for a helper that has no terminal. A code is good once, for ten minutes; with five tries a minute, whoever guesses
 * has a chance of 1 in 20,000.
 */
import { randomInt, timingSafeEqual } from 'node:crypto';
import { readFile, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { KernelFusionError } from '../../shared/errors.ts';
import { writeAtomic } from '../atomic-file.ts';
import { makePrivateFolder } from './directories.ts';
import { createLimit } from './limit.ts';

export interface Offer {
  /** Six digits. */
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export const MINUTES_OF_A_CODE = 10;
const TRIES = 5;
const MINUTE = 60_000;

const offered = v.strictObject({ code: v.pipe(v.string(), v.regex(/^[0-9]{6}$/)), created: v.number() });

const fileIn = (folder: string) => path.join(folder, 'pairing.json');
const isAbsent = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Makes a code and offers it in place of an older one. Throws `SETTINGS_UNAVAILABLE`. */
export async function offerCode(folder: string, now = Date.now()): Promise<Offer> {
  const offer = { code: String(randomInt(1_000_000)).padStart(6, '0'), created: now };
  await makePrivateFolder(folder);
  await writeAtomic(fileIn(folder), `${JSON.stringify(offer)}\n`, undefined, 0o600).catch((cause) => {
    const sentence = 'The pairing code could not be written down: the disk is full or read-only, perhaps.';
    throw new KernelFusionError('SETTINGS_UNAVAILABLE', sentence, { cause });
  });
  return offer;
}

/** Takes back the code on offer, if there is one. */
export const withdrawCode = (folder: string): Promise<void> => rm(fileIn(folder), { force: true });

/** For people: two groups are easier to read and type. */
export const spokenCode = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;

export interface Clocks {
  /** Milliseconds since 1970: other processes make codes. */
  readonly wall: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly steady: () => number;
}

const CLOCKS: Clocks = { wall: Date.now, steady: () => performance.now() };

/**
 * Redeems codes: resolves where the code is the one on offer, which is then used up. One for all connections, so that tries
 * are counted together. Throws `TOO_MANY_TRIES`, `NO_CODE` (none is on offer, or too old) and `WRONG_CODE`.
 */
export function createRedeemer(folder: string, clocks: Clocks = CLOCKS): (code: string) => Promise<void> {
  const mayTry = createLimit(TRIES, MINUTE, clocks.steady);
  return async (code) => {
    if (!mayTry()) {
      throw new KernelFusionError('TOO_MANY_TRIES', 'Too many codes were tried: wait a minute and try again.');
    }
    const offer = await readOffer(folder);
    const age = offer === null ? Number.NaN : clocks.wall() - offer.created;
    // A code from the future means that the clock was set back: nobody knows how old it is.
    if (offer === null || age < 0 || age >= MINUTES_OF_A_CODE * MINUTE) throw noCode();
    if (!isSame(code, offer.code)) {
      throw new KernelFusionError('WRONG_CODE', 'That is not the code the helper shows.');
    }
    // Whoever removes it has it: of two panels that name it at the same moment, one.
    await unlink(fileIn(folder)).catch((error) => {
      throw isAbsent(error) ? noCode() : error;
    });
  };
}

const noCode = () =>
  new KernelFusionError('NO_CODE', 'No pairing code is on offer now. Run "kernelfusion pair": it shows a new one.');

async function readOffer(folder: string): Promise<Offer | null> {
  try {
    return v.parse(offered, JSON.parse(await readFile(fileIn(folder), 'utf8')));
  } catch {
    return null; // Absent or unreadable: either way "kernelfusion pair" makes a new one, and tells what is in its way.
  }
}

const isSame = (a: string, b: string) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
