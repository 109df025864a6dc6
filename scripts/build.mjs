/**
 * Bundles what people run: dist/helper/cli.js and, beside it, the solvers' loops, the threads that run graphs and solvers, the processes that
 * compute on a device and run a job, and the one that a benchmark compares the helper with. The extension's part is in
 * build-extension.mjs.
 *
 * Packages stay outside the bundle: sharp and onnxruntime-node bring native code that has to be found in node_modules.
 */
import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { buildExtension } from './build-extension.mjs';
import { compileLoops } from './loops.mjs';
import { root } from './steps.mjs';

await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: {
    'helper/cli': 'helper/cli.ts',
    'helper/device-process': 'helper/devices/device-process.ts',
    'helper/task-worker': 'helper/threads/task-worker.ts',
    'helper/onnx-worker': 'helper/tensor/executors/onnx/onnx-worker.ts',
    'helper/worker-process': 'helper/server/worker-process.ts',
    'helper/bench-echo': 'helper/commands/bench-echo.ts',
  },
  outdir: 'dist',
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.9',
  format: 'esm',
  // A command's packages are loaded when it runs: "doctor" has to work where one of them is broken. The shared pieces lie
  // beside the command line, for they name the worker and package.json by where they are themselves.
  splitting: true,
  chunkNames: 'helper/[name]-[hash]',
  sourcemap: true,
  logLevel: 'warning',
});
await compileLoops('dist/helper/loops.wasm');
await chmod(new URL('../dist/helper/cli.js', import.meta.url), 0o755);
await buildExtension();
