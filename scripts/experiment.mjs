/** `npm run experiment`: builds and runs test/bench/experiments/kernels.ts, which says what it tells. */
import { compile, install, runNode } from './steps.mjs';

await install();
await compile();
process.exitCode = await runNode(['build/test/bench/experiments/kernels.js', ...process.argv.slice(2)]);
