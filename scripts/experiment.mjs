/** `npm run experiment`: builds and runs test/bench/experiments/kernels.ts, which says what it tells. */
import { install, runNode, step } from './steps.mjs';

await install();
await step('Checking types', () => runNode(['node_modules/typescript/bin/tsc', '--build']));
process.exitCode = await runNode(['build/test/bench/experiments/kernels.js', ...process.argv.slice(2)]);
