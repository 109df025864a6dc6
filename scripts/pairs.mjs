/** `npm run pairs`: builds and runs test/bench/pairs/pairs.ts, which says what it makes. */
import { install, runNode, step } from './steps.mjs';

await install();
await step('Checking types', () => runNode(['node_modules/typescript/bin/tsc', '--build']));
process.exitCode = await runNode(['build/test/bench/pairs/pairs.js', ...process.argv.slice(2)]);
