/**
 * The panels that may use this helper: one small file each, so that pairing, revoking and looking up, in whatever processes at
 * once, never rewrite each other's work.
 *
 * A pairing is two independent secrets. The token comes with every connection, so anyone who takes the helper's place sees it:
 * only its hash is kept (of 256 random bits, so no salt or stretching is needed), bound to the Origin it was given to. The
 * helper key never travels again: with it the helper proves who it is (shared/protocol/proof.ts), so it is kept as it is.
 * Files are their owner's alone (0600); programs of the same user can read them, and are not kept out by anything here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readdir, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { KernelFusionError } from '../../shared/errors.ts';
import { secret } from '../../shared/protocol/fields.ts';
import { writeAtomic } from '../atomic-file.ts';
import { makePrivateFolder } from './directories.ts';

export interface PairedPanel {
  /** Names the pairing to people: 8 hexadecimal digits, no secret. */
  readonly id: string;
  readonly origin: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly lastUsed: number;
}

/** 32 random bytes each, in base64url. */
export interface PairingSecrets {
  readonly token: string;
  readonly helperKey: string;
}

export interface KnownPanel {
  readonly id: string;
  readonly helperKey: Uint8Array;
}

/**
 * All but `has` throw `SETTINGS_UNAVAILABLE` where the folder cannot be read or written. A pairing whose file is damaged or open
 * to others is none, and keeps nobody else out.
 */
export interface TokenStore {
  /** Makes a pairing. Throws `TOO_MANY_PANELS`, and `SETTINGS_UNAVAILABLE` where its file would be open to others. */
  add(origin: string): Promise<PairingSecrets>;
  /** The pairing a token belongs to, if it was given to this origin. Notes the time. */
  find(origin: string, token: string): Promise<KnownPanel | null>;
  /** Whether there is such a pairing, in a file that can be used. */
  has(id: string): Promise<boolean>;
  /** Of all pairings, damaged ones as well. */
  ids(): Promise<string[]>;
  /** Oldest first. Throws `SETTINGS_UNAVAILABLE`, with what to do, where one cannot be used: people are to hear of it. */
  list(): Promise<PairedPanel[]>;
  /** Whether there was such a pairing. */
  revoke(id: string): Promise<boolean>;
}

export const MOST_PANELS = 32;

const PAIRING_ID = /^[0-9a-f]{8}$/;

const paired = v.strictObject({
  origin: v.string(),
  /** SHA-256 of the token, hexadecimal. */
  tokenHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  helperKey: secret,
  created: v.number(),
});

type Entry = PairedPanel & v.InferOutput<typeof paired>;

const makeSecret = () => randomBytes(32).toString('base64url');
const hashOf = (token: string) => createHash('sha256').update(token).digest();
/** A failure to read, and not what was read. */
const isOfTheDisk = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code !== undefined;
const isAbsent = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

function unavailable(sentence: string, cause?: unknown): KernelFusionError {
  return new KernelFusionError('SETTINGS_UNAVAILABLE', sentence, { cause });
}

/**
 * The store in a folder of its own, which is made when it is first needed. `tell` hears, once each, of pairings that are passed
 * over because their file cannot be used.
 */
export function openTokenStore(folder: string, tell: (unusable: KernelFusionError) => void = () => {}): TokenStore {
  const fileOf = (id: string) => path.join(folder, `${id}.json`);
  const told = new Set<string>();

  async function ids(): Promise<string[]> {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (isAbsent(error)) return [];
      throw unavailable(`The list of paired panels could not be read (${error.code}).`, error);
    });
    return names.map((name) => path.basename(name, '.json')).filter((id) => PAIRING_ID.test(id));
  }

  /** `null`: revoked since the folder was read. Throws `SETTINGS_UNAVAILABLE` alone. */
  async function read(id: string): Promise<Entry | null> {
    const again = `Run "kernelfusion pair --revoke ${id}" and pair that panel again.`;
    try {
      const file = await open(fileOf(id), 'r');
      try {
        const { mode, mtimeMs } = await file.stat();
        if (process.platform !== 'win32' && mode & 0o077) {
          throw unavailable(`The pairing ${id} can be read by other users of this computer. ${again}`);
        }
        const entry = v.parse(paired, JSON.parse(await file.readFile('utf8')));
        return { id, ...entry, lastUsed: mtimeMs };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof KernelFusionError) throw error;
      if (isAbsent(error)) return null;
      throw unavailable(`The pairing ${id} is damaged or cannot be read. ${again}`, error);
    }
  }

  /** `null` also where the file cannot be used. */
  const readUsable = (id: string): Promise<Entry | null> =>
    read(id).catch((error) => {
      if (!told.has(id)) tell(error);
      told.add(id);
      return null;
    });

  /** Oldest first, by either way of reading. */
  async function entries(reading: typeof read): Promise<Entry[]> {
    const found = await Promise.all((await ids()).map(reading));
    return found.filter((entry) => entry !== null).sort((a, b) => a.created - b.created);
  }

  /** Some disks know no rights (exFAT): a pairing there would be refused as soon as it is used. */
  async function mustBeUsable(id: string): Promise<void> {
    try {
      await read(id);
    } catch (cause) {
      await unlink(fileOf(id)).catch(() => undefined);
      const sentence =
        "The helper's folder cannot be kept from other users of this computer: set KERNELFUSION_HOME to one on another disk.";
      throw unavailable(sentence, cause);
    }
  }

  return {
    ids,

    async add(origin) {
      await makePrivateFolder(folder);
      if ((await ids()).length >= MOST_PANELS) {
        const sentence = `${MOST_PANELS} panels are paired already: revoke some with "kernelfusion pair --revoke".`;
        throw new KernelFusionError('TOO_MANY_PANELS', sentence);
      }
      const secrets = { token: makeSecret(), helperKey: makeSecret() };
      const tokenHash = hashOf(secrets.token).toString('hex');
      const entry = { origin, tokenHash, helperKey: secrets.helperKey, created: Date.now() };
      const id = randomBytes(4).toString('hex');
      await writeAtomic(fileOf(id), `${JSON.stringify(entry)}\n`, undefined, 0o600).catch((error) => {
        throw unavailable('The pairing could not be written down: the disk is full or read-only, perhaps.', error);
      });
      await mustBeUsable(id);
      return secrets;
    },

    async find(origin, token) {
      const hash = hashOf(token);
      const isIt = (entry: Entry) =>
        timingSafeEqual(hash, Buffer.from(entry.tokenHash, 'hex')) && entry.origin === origin;
      const entry = (await entries(readUsable)).find(isIt);
      if (entry === undefined) return null;
      const now = new Date();
      // When it was last used is only for people to read: a read-only disk must not keep them out.
      await utimes(fileOf(entry.id), now, now).catch(() => undefined);
      return { id: entry.id, helperKey: Buffer.from(entry.helperKey, 'base64url') };
    },

    async has(id) {
      // A disk that fails for a moment revokes nothing.
      const entry = await read(id).catch((error) => (isOfTheDisk(error.cause) ? Promise.reject(error) : null));
      return entry !== null;
    },

    async list() {
      return (await entries(read)).map(({ id, origin, created, lastUsed }) => ({ id, origin, created, lastUsed }));
    },

    async revoke(id) {
      if (!PAIRING_ID.test(id)) return false;
      try {
        await unlink(fileOf(id));
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw unavailable(`The pairing ${id} could not be removed (${(error as NodeJS.ErrnoException).code}).`, error);
      }
    },
  };
}
