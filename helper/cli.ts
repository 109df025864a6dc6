#!/usr/bin/env node
/**
 * The command line: what can be typed, how a run is interrupted, and how it ends.
 *
 * Results go to standard output, everything else to standard error. However a run ends, it ends in `finish`: one line with a
 * stable code on failure, an exit code, and no thread waited for.
 */
import type { Writable } from 'node:stream';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODES, KernelFusionError } from '../shared/errors.ts';
import type { Scale } from '../shared/kernel.ts';
import { CENTRINGS, GRIDS, SENSES } from '../shared/kernel-formats/format.ts';
import { FORMATS } from '../shared/kernel-formats/index.ts';
import { DEFAULT_OPTIONS, PRESETS } from '../shared/options.ts';
import { DEFAULT_PORT } from '../shared/protocol/address.ts';
import { MOST_PIXELS } from '../shared/protocol/limits.ts';
import type { CommandResult } from './commands/command-result.ts';
import { DEVICE_NAMES } from './devices/names.ts';
import { exitCodeOf, failureJson, failureText, toCoded } from './failure.ts';
import { createDisplay } from './progress-display.ts';
import { LOG_LEVELS } from './server/log-levels.ts';
import { ownVersion } from './versions.ts';

/** Milliseconds after an interruption in which the work may stop by itself; then the process ends all the same. */
const GRACE = 700;
/** As much for a helper, which has connections and a job to end in order; what starts services waits longer. */
const SERVE_GRACE = 4800;

const EXIT_CODES_HELP = `
Exit codes: 0 done, 2 a bad option, 3 a bad kernel, 4 the input, 5 the output, 6 memory, 7 the engine,
8 the helper, 9 the editor, 70 a mistake of ours, 130 interrupted.`;

/** How Commander says that it has printed help or the version and that nothing is left to do. */
const HELP_ENDINGS = ['commander.helpDisplayed', 'commander.help', 'commander.version'];

const SCALES: readonly Scale[] = [1, 2, 3, 4];

type Run = (signal: AbortSignal) => Promise<CommandResult>;
/** `grace`: milliseconds to end in after an interruption. */
type Choose = (run: Run, grace?: number) => void;

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

function positiveInteger(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return value;
}

const collect = (file: string, files: readonly string[] = []) => [...files, file];
const commaSeparated = (text: string) => text.split(',').map((name) => name.trim());
const wholeNumbers = (text: string) => commaSeparated(text).map(positiveInteger);

/** The scale of a kernel whose file does not tell it. */
const scaleOption = () =>
  new Option('-s, --scale <1|2|3|4>', 'scale the kernel is for; a .json file tells it').argParser((text): Scale => {
    const scale = SCALES.find((known) => known === number(text));
    if (scale === undefined) throw new InvalidArgumentError('It must be 1, 2, 3 or 4.');
    return scale;
  });

const deviceOption = (byDefault = 'the fastest') =>
  new Option('--device <name>', `what to compute on (default: ${byDefault})`).choices(DEVICE_NAMES);

const logLevelOption = () =>
  new Option('--log-level <level>', `what is written to standard error: ${LOG_LEVELS.join(', ')} (default: info)`);

const UNITS = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9 } as const;

const memoryOption = () =>
  new Option('--max-memory <size>', 'memory to use: 1500MB, 3GB, or bytes (default: what is free)').argParser(
    (text) => {
      const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(KB|MB|GB|)$/i.exec(text.trim()) ?? [];
      if (digits === undefined) throw new InvalidArgumentError('It must be a size: 1500MB, 3GB, or bytes.');
      return Math.round(Number(digits) * UNITS[unit.toUpperCase() as keyof typeof UNITS]);
    },
  );

const senseOption = (flags = '--sense <sense>') =>
  new Option(flags, 'sense of its values, where it is not the one the file tells or "kernel convert" writes').choices(
    SENSES,
  );

/** Drops what was not typed, so that defaults are filled in in one place. */
const typed = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** The grammar. Actions do not run anything: they choose what is run. */
function grammar(print: (text: string) => void, choose: Choose): Command {
  const program = new Command('kernelfusion')
    .description('Enlarges a picture without knowing how it was blurred, and tells the blur: its kernel.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', EXIT_CODES_HELP)
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: print, outputError: () => {} });

  program
    .command('upscale')
    .summary('enlarge a picture')
    .description(
      'Estimates the blur kernel of a picture (PNG, JPEG, WebP, TIFF or GIF; 8 or 16 bits; grey, colour, transparency) ' +
        'and enlarges the picture with it. Nothing leaves this computer.',
    )
    .argument('<input>', 'the picture')
    .option('-o, --output <file>', 'the enlarged picture: .png, .jpg, .webp or .tif (default: INPUT-x2.png beside it)')
    .option(
      '-s, --scale <1|2|3|4>',
      `how many times wider and higher; 1 only deblurs (default: ${DEFAULT_OPTIONS.scale})`,
      number,
    )
    .option('-p, --preset <name>', `how the work is done: ${PRESETS.join(', ')} (default: ${DEFAULT_OPTIONS.preset})`)
    .option('--seed <n>', `seed of all random choices (default: ${DEFAULT_OPTIONS.seed})`, number)
    .option('--kernel <file>', 'the kernel, where it is known (.json, .npy, .mat, .csv or .png): skips the estimation')
    .addOption(senseOption('--kernel-sense <sense>'))
    .option('--kernel-side <n>', 'side of the estimated kernel in pixels of the result (default: by scale)', number)
    .option('--noise <levels>', 'noise of the picture in 8-bit levels (default: estimated)', number)
    .option(
      '--kernel-out <file>',
      'write the kernel: .json, .npy, .mat ... (see "kernel convert"), .png for a picture of it; may be repeated',
      collect,
    )
    .option('--report <file.html>', 'write a report to look at: before and after, kernel, figures')
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .addOption(deviceOption())
    .addOption(memoryOption())
    .option('--max-pixels <n>', `refuse pictures of more pixels (default: ${MOST_PIXELS})`, positiveInteger)
    .option('-f, --force', 'overwrite existing files')
    .option('--json', 'print one JSON object: the result or the error')
    .action((input: string, o) => {
      const {
        output,
        kernel,
        kernelSense,
        kernelOut,
        report,
        threads,
        device,
        maxMemory,
        maxPixels,
        force = false,
      } = o;
      const { scale, preset, seed, kernelSide, noise } = o;
      choose(async (signal) => {
        const { upscale } = await import('./commands/upscale.ts');
        const files = typed({ output, kernel, kernelSense, kernelOut, report, threads, device, maxMemory, maxPixels });
        const options = typed({ scale, preset, seed, kernelSide, noise });
        return upscale({ input, ...files, options, force }, signal, createDisplay(process.stderr));
      });
    });

  program
    .command('batch')
    .summary('enlarge every picture of a folder')
    .description(
      'Enlarges every picture of a folder, each by an "upscale" of its own, and goes on where an earlier run stopped. ' +
        'How other computers help: docs/batch.md.',
    )
    .argument('<folder>', 'the pictures')
    .option('-o, --out <folder>', 'where results and manifest.json go (default: FOLDER/enlarged)')
    .option('-s, --scale <1|2|3|4>', `how many times wider and higher (default: ${DEFAULT_OPTIONS.scale})`, number)
    .option('-p, --preset <name>', `how the work is done: ${PRESETS.join(', ')} (default: ${DEFAULT_OPTIONS.preset})`)
    .option('--seed <n>', `seed of all random choices (default: ${DEFAULT_OPTIONS.seed})`, number)
    .option('--kernel <file>', 'the kernel of all pictures, where it is known')
    .addOption(senseOption('--kernel-sense <sense>'))
    .option('--kernel-from <name>', 'estimate the kernel on this picture of the folder and take it for all')
    .option('--kernel-side <n>', 'side of estimated kernels in pixels of the result (default: by scale)', number)
    .option('--noise <levels>', 'noise of the pictures in 8-bit levels (default: estimated)', number)
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .addOption(deviceOption())
    .addOption(memoryOption())
    .option('--max-pixels <n>', `refuse pictures of more pixels (default: ${MOST_PIXELS})`, positiveInteger)
    .option('--print', 'only print the commands that are left to run, one a line')
    .option('-f, --force', 'do again what is done')
    .option('--json', 'print one JSON object: the manifest, or the commands')
    .action((folder: string, o) => {
      const {
        out,
        kernel,
        kernelSense,
        kernelFrom,
        threads,
        device,
        maxMemory,
        maxPixels,
        force = false,
        print: only = false,
      } = o;
      const { scale, preset, seed, kernelSide, noise } = o;
      choose(async (signal) => {
        const { batch } = await import('./commands/batch.ts');
        const given = typed({ out, kernel, kernelSense, kernelFrom, threads, device, maxMemory, maxPixels });
        const options = typed({ scale, preset, seed, kernelSide, noise });
        return batch({ folder, ...given, options, force, print: only }, signal, (line) => process.stderr.write(line));
      });
    });

  const kernel = program
    .command('kernel')
    .summary('show, convert or apply a kernel')
    .description('Shows kernels, writes them for other programs, and blurs pictures with them.')
    .helpCommand(false);
  kernel
    .command('show')
    .summary('tell and draw what a kernel file holds')
    .description('Tells size, centre, spread and values of a kernel, and draws it.')
    .argument('<kernel>', 'a .json, .npy, .mat, .csv or .png file')
    .addOption(scaleOption())
    .addOption(senseOption())
    .option('--json', 'print one JSON object')
    .action((file: string, { scale, sense }) =>
      choose(async () => {
        const { showKernel } = await import('./commands/kernel-show.ts');
        return showKernel({ kernel: file, ...typed({ scale, sense }) });
      }),
    );
  kernel
    .command('convert')
    .summary('write a kernel for other programs')
    .description(
      `Writes a kernel in other formats, told by the extension: ${FORMATS.map(({ extension }) => extension).join(', ')}. ` +
        'What they are for, and in which sense: docs/kernel-recipes.md.',
    )
    .argument('<kernel>', 'a .json, .npy, .mat, .csv or .png file')
    .argument('<files...>', 'what to write')
    .addOption(scaleOption())
    .addOption(senseOption())
    .addOption(
      new Option('--grid <grid>', 'pixels of the enlarged picture (hr) or of the small one (lr)').choices(GRIDS),
    )
    .addOption(
      new Option(
        '--centre <place>',
        'as found, on the middle element, or for programs that keep corner pixels',
      ).choices(CENTRINGS),
    )
    .option('-f, --force', 'overwrite existing files')
    .option('--json', 'print one JSON object')
    .action((input: string, outputs: string[], { scale, sense, grid, centre, force = false }) =>
      choose(async (signal) => {
        const { convertKernel } = await import('./commands/kernel-convert.ts');
        return convertKernel({ input, outputs, force, ...typed({ scale, sense, grid, centre }) }, signal);
      }),
    );
  kernel
    .command('apply')
    .summary('blur a picture with a kernel')
    .description('Blurs a picture with a kernel: what the kernel says has happened to a picture.')
    .argument('<kernel>', 'a .json, .npy, .mat, .csv or .png file')
    .argument('<picture>', 'the picture')
    .requiredOption('-o, --output <file>', 'the blurred picture: .png, .jpg, .webp or .tif')
    .option('--reduce', "reduce it by the kernel's scale, too")
    .addOption(scaleOption())
    .addOption(senseOption())
    .option('-f, --force', 'overwrite existing files')
    .option('--json', 'print one JSON object')
    .action((file: string, input: string, { output, reduce = false, scale, sense, force = false }) =>
      choose(async (signal) => {
        const { applyKernel } = await import('./commands/kernel-apply.ts');
        return applyKernel({ kernel: file, input, output, reduce, force, ...typed({ scale, sense }) }, signal);
      }),
    );

  program
    .command('serve')
    .summary('run the helper of browser panels')
    .description(
      'Runs the jobs of browser panels on this computer, until it is interrupted. It listens on 127.0.0.1 only, and to ' +
        'panels only that were paired by the code it shows.',
    )
    .option('--port <n>', `port to listen on (default: ${DEFAULT_PORT})`, number)
    .option('--allow-extension <id>', 'a further Chrome extension that may connect; may be repeated', collect)
    .addOption(deviceOption())
    .option('--no-code', 'show no pairing code ("kernelfusion pair" makes one)')
    .addOption(logLevelOption())
    .action((o) =>
      choose(async (signal) => {
        const { serve } = await import('./commands/serve.ts');
        return serve(o, signal, (text) => process.stdout.write(text));
      }, SERVE_GRACE),
    );

  program
    .command('pair')
    .summary('pair a panel with the running helper')
    .description('Shows a code to pair a panel with: good once, for ten minutes. Lists and revokes pairings.')
    .option('--list', 'list the paired panels')
    .option('--revoke <id|all>', 'end a pairing; a panel that is connected by it is sent away')
    .option('--json', 'print one JSON object')
    .action((o) =>
      choose(async () => {
        const { pair } = await import('./commands/pair.ts');
        return pair(o);
      }),
    );

  program
    .command('purge')
    .summary('delete all jobs and what is kept of them')
    .description(
      'Deletes every job of every panel: layers, results and whatever else is kept of them on this computer.',
    )
    .option('--json', 'print one JSON object')
    .action(() =>
      choose(async () => {
        const { purge } = await import('./commands/purge.ts');
        return purge();
      }),
    );

  program
    .command('install-service')
    .summary('have the helper started at every login')
    .description(
      'Shows the service that starts the helper at every login of this account (systemd, launchd or a scheduled task).',
    )
    .option('--port <n>', `port to listen on (default: ${DEFAULT_PORT})`, number)
    .option('--allow-extension <id>', 'a further Chrome extension that may connect; may be repeated', collect)
    .addOption(deviceOption())
    .addOption(logLevelOption())
    .option('-y, --yes', 'write it and start it')
    .action(({ yes = false, ...o }) =>
      choose(async (signal) => {
        const { installService } = await import('./commands/install-service.ts');
        return installService({ ...o, yes }, signal, (text) => process.stdout.write(text));
      }),
    );

  program
    .command('uninstall-service')
    .summary('have it started no more')
    .description('Shows how the service is stopped and removed.')
    .option('-y, --yes', 'stop and remove it')
    .action(({ yes = false }) =>
      choose(async (signal) => {
        const { uninstallService } = await import('./commands/install-service.ts');
        return uninstallService({ yes }, signal, (text) => process.stdout.write(text));
      }),
    );

  program
    .command('doctor')
    .summary('tell what this computer offers')
    .description(
      'Checks what the work needs, and tells versions, processor, memory, engines and the state of the helper: for ' +
        'reports of trouble.',
    )
    .option('--json', 'print one JSON object: what was found')
    .action(() =>
      choose(async (signal) => {
        const { doctor } = await import('./commands/doctor.ts');
        return doctor(signal);
      }),
    );

  const bench = program
    .command('bench')
    .summary('measure quality, speed, growth or the helper')
    .description('Measures quality, speed, how time and memory grow, or the helper itself.')
    .helpCommand(false);
  bench
    .command('quality')
    .description('Enlarges every pair of a folder and scores the results beside plain bicubic enlargement.')
    .requiredOption('--pairs <folder>', 'folders with lr.png, hr.png, kernel.npy and meta.json')
    .option('--out <folder>', 'where tables and results go', 'bench-output')
    .option('--only <names>', 'pairs to run, with commas between', commaSeparated)
    .option('-p, --preset <name>', 'preset to measure', DEFAULT_OPTIONS.preset)
    .option('--seed <n>', 'seed of all random choices', number, DEFAULT_OPTIONS.seed)
    .option('--known-kernel', 'give the true kernel: measures the restoration alone')
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .addOption(deviceOption())
    .action((o) =>
      choose(async (signal) => {
        const { runBenchQuality } = await import('./commands/bench.ts');
        return runBenchQuality(o, signal);
      }),
    );
  bench
    .command('page')
    .description('Makes a page of what "bench quality" wrote: its table, and every pair in a picture.')
    .requiredOption('--pairs <folder>', 'the pairs that were run')
    .requiredOption('--run <folder>', 'what "bench quality" wrote: tables and results')
    .option('--write <folder>', 'where page and pictures go (default: "page" in the folder of the run)')
    .action((o) =>
      choose(async (signal) => {
        const { runBenchPage } = await import('./commands/bench.ts');
        return runBenchPage(o, signal);
      }),
    );
  bench
    .command('ablation')
    .description(
      "Scores the paper's method and what is left of it without one of its parts, on every pair of a folder.",
    )
    .requiredOption('--pairs <folder>', 'folders with lr.png, hr.png, kernel.npy and meta.json')
    .option('--out <folder>', 'where tables and results go', 'bench-output')
    .option('--only <names>', 'pairs to run, with commas between', commaSeparated)
    .addOption(
      new Option('-p, --preset <name>', 'preset whose values are taken')
        .choices(['paper', 'paper-small'])
        .default('paper-small'),
    )
    .option('--width <n>', 'feature planes of the patch diffusion, instead', positiveInteger)
    .option('--diffusion-steps <n>', 'diffusion steps, instead', positiveInteger)
    .option('--iterations <first,later>', 'gradient steps of the first and of each later one, instead', wholeNumbers)
    .option('--channels <list>', 'feature planes of the U-Net, from full size down, instead', wholeNumbers)
    .option('--seed <n>', 'seed of all random choices', number, DEFAULT_OPTIONS.seed)
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .addOption(deviceOption())
    .action((o) =>
      choose(async (signal) => {
        const { runBenchAblation } = await import('./commands/bench.ts');
        return runBenchAblation(o, signal);
      }),
    );
  bench
    .command('engine')
    .description('Times a training step of the patch-diffusion net, alternating with PyTorch where that is installed.')
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .action((o) =>
      choose(async (signal) => {
        const { runBenchEngine } = await import('./commands/bench.ts');
        return runBenchEngine(o, signal);
      }),
    );
  bench
    .command('speed')
    .description('Tells where the time of a whole job goes, and how its engine compares with a plain matrix product.')
    .requiredOption('--picture <file>', 'the picture to enlarge')
    .option('-s, --scale <1|2|3|4>', 'how many times wider and higher', number, DEFAULT_OPTIONS.scale)
    .option('-p, --preset <name>', 'preset to measure', DEFAULT_OPTIONS.preset)
    .option('--threads <n>', 'threads to compute on (default: all)', positiveInteger)
    .addOption(deviceOption('onnx-cpu'))
    .option('--out <folder>', 'where the table goes', 'bench-output')
    .action((o) =>
      choose(async (signal) => {
        const { runBenchSpeed } = await import('./commands/bench.ts');
        return runBenchSpeed(o, signal);
      }),
    );
  bench
    .command('devices')
    .description('Enlarges layers on every device that can be used, beside the same on the processor.')
    .requiredOption('--picture <file>', 'a photograph; layers are made of it, mirrored on where it ends')
    .option('--sizes <sides>', 'sides of the layers in pixels, with commas between', wholeNumbers, [128, 256, 512])
    .option('-s, --scale <1|2|3|4>', 'how many times wider and higher', number, DEFAULT_OPTIONS.scale)
    .option('--out <folder>', 'where table, layers and results go', 'bench-output')
    .action((o) =>
      choose(async (signal) => {
        const { runBenchDevices } = await import('./commands/bench.ts');
        return runBenchDevices(o, signal);
      }),
    );
  bench
    .command('growth')
    .description('Enlarges ever larger layers, each in a process of its own, and tells how time and memory grow.')
    .requiredOption('--picture <file>', 'a photograph; layers are made of it, mirrored on where it ends')
    .option(
      '--sizes <sides>',
      'sides of the layers in pixels, with commas between',
      wholeNumbers,
      [128, 256, 512, 1024],
    )
    .option('-s, --scale <1|2|3|4>', 'how many times wider and higher', number, DEFAULT_OPTIONS.scale)
    .option('-p, --preset <name>', 'preset to measure', DEFAULT_OPTIONS.preset)
    .option('--out <folder>', 'where table, plot, layers and results go', 'bench-output')
    .action((o) =>
      choose(async (signal) => {
        const { runBenchGrowth } = await import('./commands/bench.ts');
        return runBenchGrowth(o, signal);
      }),
    );
  bench
    .command('server')
    .description('Measures what the helper itself costs: layers to and fro beside a plain echo, memory, cancelling.')
    .option('--side <pixels>', 'side of the layer that is sent', positiveInteger, 4096)
    .option('--rounds <n>', 'times it is sent', positiveInteger, 7)
    .option('--cancel-side <pixels>', 'side of the layer whose job is cancelled', positiveInteger, 64)
    .option('--out <folder>', 'where the table goes', 'bench-output')
    .action((o) =>
      choose(async (signal) => {
        const { runBenchServer } = await import('./commands/bench.ts');
        return runBenchServer(o, signal);
      }),
    );

  return program;
}

/** Resolves when the text has been handed over, so that ending the process does not cut it off. */
const write = (stream: Writable, text: string) => new Promise<void>((resolve) => stream.write(text, () => resolve()));

let finishing = false;

/** Ends the process, once, without waiting for any thread. */
async function finish(exitCode: number, stdout: string, stderr = ''): Promise<void> {
  if (finishing) return;
  finishing = true;
  await write(process.stderr, stderr);
  await write(process.stdout, stdout);
  process.exit(exitCode);
}

async function main(argv: readonly string[]): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  let grace = GRACE;
  const asJson = argv.includes('--json');
  const inJson = (data: object) => `${JSON.stringify(data, null, 2)}\n`;

  const fail = (error: unknown) => {
    // Once interrupted, whatever breaks on the way out is only a consequence.
    const coded = signal.aborted ? new KernelFusionError('CANCELLED', 'Cancelled.') : toCoded(error);
    const debug = process.env.KERNELFUSION_DEBUG === '1';
    return finish(exitCodeOf(coded), asJson ? inJson(failureJson(coded)) : '', failureText(coded, debug));
  };
  const interrupt = () => {
    if (signal.aborted) process.exit(EXIT_CODES.CANCELLED);
    controller.abort();
    setTimeout(() => fail(signal.reason), grace);
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('uncaughtException', fail);
  // Nobody reads the results any more (`... | head`): there is nothing left to do, and nothing to say.
  process.stdout.on('error', () => finish(EXIT_CODES.OUTPUT_UNWRITABLE, ''));
  process.stderr.on('error', () => {});

  try {
    const chosen = parse(argv);
    if ('help' in chosen) {
      const { help, exitCode } = chosen;
      return await (exitCode === 0 ? finish(0, help) : finish(exitCode, '', help));
    }
    grace = chosen.grace;
    const { data, text, exitCode } = await chosen.run(signal);
    await finish(exitCode, asJson ? inJson(data) : text);
  } catch (error) {
    await fail(error);
  }
}

/** What was asked for: something to run, or a text to read (asking for nothing at all is a mistake, answered with help). */
function parse(argv: readonly string[]): { run: Run; grace: number } | { help: string; exitCode: number } {
  let chosen: { run: Run; grace: number } | null = null;
  let help = '';
  const program = grammar(
    (text) => {
      help += text;
    },
    (run, grace = GRACE) => {
      chosen = { run, grace };
    },
  );
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    const isHelp = error instanceof CommanderError && HELP_ENDINGS.includes(error.code);
    if (!isHelp) throw error;
    return { help, exitCode: error.exitCode === 0 ? 0 : EXIT_CODES.BAD_OPTION };
  }
  if (chosen === null)
    throw new KernelFusionError('INTERNAL', 'The command line was understood but nothing was chosen.');
  return chosen;
}

await main(process.argv.slice(2));
