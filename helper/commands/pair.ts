/**
 * `kernelfusion pair`: shows a code to pair a panel with, lists the panels that are paired, and revokes them.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import { directories, panelsFolder } from '../server/directories.ts';
import { findInstance } from '../server/instance.ts';
import { MINUTES_OF_A_CODE, offerCode, spokenCode } from '../server/pairing.ts';
import { openTokenStore, type PairedPanel } from '../server/token-store.ts';
import type { CommandResult } from './command-result.ts';

export interface PairRequest {
  readonly list?: boolean;
  /** Id of a pairing, or `all`. */
  readonly revoke?: string;
}

/** Throws `HELPER_NOT_RUNNING`, `BAD_OPTION`, `SETTINGS_UNAVAILABLE`. */
export function pair({ list = false, revoke }: PairRequest): Promise<CommandResult> {
  if (list && revoke !== undefined) throw new KernelFusionError('BAD_OPTION', 'Choose one of --list and --revoke.');
  if (revoke !== undefined) return revokePairings(revoke);
  return list ? listPairings() : offer();
}

const done = (data: object, text: string): CommandResult => ({ data, text, exitCode: 0 });

/** What a person does with a code. */
export const offerText = (code: string): string =>
  `To pair a panel, type this code into it within ${MINUTES_OF_A_CODE} minutes: ${spokenCode(code)}\n`;

async function offer(): Promise<CommandResult> {
  const { state } = directories();
  if ((await findInstance(state)) === null) {
    throw new KernelFusionError('HELPER_NOT_RUNNING', 'No helper is running: start it with "kernelfusion serve".');
  }
  const { code } = await offerCode(state);
  return done({ code, minutes: MINUTES_OF_A_CODE }, offerText(code));
}

async function listPairings(): Promise<CommandResult> {
  const panels = await openTokenStore(panelsFolder(directories())).list();
  return done({ panels }, panels.length === 0 ? 'No panel is paired.\n' : panels.map(inWords).join(''));
}

const inWords = ({ id, origin, created, lastUsed }: PairedPanel) =>
  `${id}  ${origin}  paired ${spokenDate(created)}, last used ${spokenDate(lastUsed)}\n`;

/** Day and time as this computer's clock shows them: 2026-11-23 21:57. */
function spokenDate(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

async function revokePairings(which: string): Promise<CommandResult> {
  const store = openTokenStore(panelsFolder(directories()));
  const ids = which === 'all' ? await store.ids() : [which];
  const gone = [];
  for (const id of ids) if (await store.revoke(id)) gone.push(id);
  if (gone.length === 0 && which !== 'all') {
    throw new KernelFusionError('BAD_OPTION', 'There is no such pairing: "kernelfusion pair --list" shows them all.');
  }
  return done({ revoked: gone }, `${gone.length === 1 ? '1 pairing was' : `${gone.length} pairings were`} revoked.\n`);
}
