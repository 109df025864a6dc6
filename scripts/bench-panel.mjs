/** `npm run bench:panel`: builds and runs test/bench/panel/panel.ts, which says what it measures. */
import { bundle, compile, install, runNode } from './steps.mjs';

await install();
await compile();
await bundle();
process.exitCode = await runNode(['build/test/bench/panel/panel.js']);
