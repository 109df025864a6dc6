/**
 * `kernelfusion bench server`: what the service itself costs, beside the bars it was designed to: the way of a layer to the
 * helper and back, the memory for it, and how soon a cancel takes effect. All of it on the real helper, in a process of its own.
 *
 * The table is written anew after every figure, so that an interrupted run keeps what it has.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import { LEAST_SIDE, MOST_PIXELS } from '../../shared/protocol/limits.ts';
import { writeAtomic } from '../atomic-file.ts';
import { benchCancel, type Cancelled, type CancelRequest, PLACES } from './bench-cancel.ts';
import { benchTransfer, type TransferRequest, type TransferResult } from './bench-transfer.ts';
import { type Figure, figureInWords, figuresOfCancel, figuresOfTransfer, serverTable } from './server-table.ts';

export interface BenchServerRequest {
  /** Side of the square layer that is sent to and fro, in pixels. */
  readonly side: number;
  readonly rounds: number;
  /** Side of the square layer whose job is cancelled. */
  readonly cancelSide: number;
  /** Gets server.md. Made if missing. */
  readonly outDir: string;
  readonly signal?: AbortSignal;
  /** Takes one line (without its end) a figure. */
  readonly print: (line: string) => void;
  /** What measures; stand-ins in tests. */
  readonly transfer?: (request: TransferRequest) => Promise<TransferResult>;
  readonly cancel?: (request: CancelRequest) => Promise<Cancelled[]>;
}

export interface BenchServerResult {
  readonly figures: readonly Figure[];
  readonly markdown: string;
}

/** Throws `BAD_OPTION` for a side that no layer has, `OUTPUT_UNWRITABLE`, what the helper answers, and `CANCELLED`. */
export async function benchServer(request: BenchServerRequest): Promise<BenchServerResult> {
  const { side, rounds, cancelSide, outDir, signal, print } = request;
  const { transfer = benchTransfer, cancel = benchCancel } = request;
  for (const each of [side, cancelSide]) checkSide(each);
  await mkdir(outDir, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
  const markdown = path.join(outDir, 'server.md');
  const heading =
    `A layer of ${side} x ${side} pixels, medians of ${rounds} rounds; ` +
    `cancels of a job of ${cancelSide} x ${cancelSide} pixels.`;
  const figures: Figure[] = [];
  const add = async (more: readonly Figure[]) => {
    for (const figure of more) print(figureInWords(figure));
    figures.push(...more);
    await writeAtomic(markdown, serverTable(heading, figures));
  };

  const common = signal ? { signal } : {};
  const onRound: TransferRequest['onRound'] = ({ up, down, echo }) =>
    print(`round: up ${up.toFixed(3)} s, down ${down.toFixed(3)} s, echo ${echo.toFixed(3)} s`);
  await add(figuresOfTransfer(await transfer({ side, rounds, onRound, ...common })));
  // One place after the other, so that each is on the disk when the next begins, which may take a minute.
  for (const place of PLACES) {
    await add(figuresOfCancel(await cancel({ side: cancelSide, places: [place], ...common })));
  }
  return { figures, markdown };
}

function checkSide(side: number): void {
  const most = Math.sqrt(MOST_PIXELS);
  if (Number.isInteger(side) && side >= LEAST_SIDE && side <= most) return;
  throw new KernelFusionError('BAD_OPTION', `A side must be a whole number from ${LEAST_SIDE} to ${most}.`);
}
