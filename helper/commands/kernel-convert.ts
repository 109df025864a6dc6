/**
 * `kernelfusion kernel convert`: a kernel from one format into others.
 */
import type { Scale } from '../../shared/kernel.ts';
import type { Centring, Grid, Sense } from '../../shared/kernel-formats/format.ts';
import { exportKernel } from '../../shared/kernel-formats/index.ts';
import type { CommandResult } from './command-result.ts';
import { formatAskedBy, readKernelFile } from './kernel-file.ts';
import { checkOutputs, writerFor } from './outputs.ts';

export interface ConvertRequest {
  readonly input: string;
  readonly outputs: readonly string[];
  readonly scale?: Scale;
  readonly sense?: Sense;
  readonly grid?: Grid;
  readonly centre?: Centring;
  readonly force: boolean;
}

/** Everything that can be refused is refused before the first file is written. Throws `BAD_OPTION`, `BAD_KERNEL`, ... */
export async function convertKernel(request: ConvertRequest, signal: AbortSignal): Promise<CommandResult> {
  const { input, outputs, scale, sense, grid, centre, force } = request;
  const formats = outputs.map(formatAskedBy);
  await checkOutputs([input], outputs, force);
  const { kernel, origin, notes } = await readKernelFile(input, { ...(scale && { scale }), ...(sense && { sense }) });
  const files = formats.map((format) => {
    const { bytes, notes } = exportKernel(kernel, format, {
      ...origin,
      ...(grid && { grid }),
      ...(centre && { centring: centre }),
    });
    return { format, bytes, notes };
  });
  const write = writerFor(force);
  for (const [i, { bytes }] of files.entries()) await write(outputs[i], bytes, signal);
  const written = files.map(({ format, notes }, i) => ({
    file: outputs[i],
    format: format.id,
    sense: format.sense,
    notes,
  }));
  const lines = [
    ...notes.map((note) => `Note: ${note}`),
    ...written.flatMap(({ file, sense, notes }) => [
      `Wrote ${file} (${sense} sense)`,
      ...notes.map((note) => `Note: ${note}`),
    ]),
  ];
  return { data: { notes, files: written }, text: `${lines.join('\n')}\n`, exitCode: 0 };
}
