/** `npm run pairs`: builds and runs test/bench/pairs/pairs.ts, which says what it makes. */
import { compile, install, runNode } from './steps.mjs';

await install();
await compile();
process.exitCode = await runNode(['build/test/bench/pairs/pairs.js', ...process.argv.slice(2)]);
