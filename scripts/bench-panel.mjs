/** `npm run bench:panel`: builds and runs test/bench/panel/panel.ts, which says what it measures. */
import { bundle, install, runNode, step } from './steps.mjs';

await install();
await step('Checking types', () => runNode(['node_modules/typescript/bin/tsc', '--build']));
await bundle();
process.exitCode = await runNode(['build/test/bench/panel/panel.js']);
