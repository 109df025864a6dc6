/** `npm run screenshots`: builds and runs test/gallery/screenshots.ts, which says what it draws. Takes some minutes. */
import { bundle, install, runNode, step } from './steps.mjs';

await install();
await step('Checking types', () => runNode(['node_modules/typescript/bin/tsc', '--build']));
await bundle();
process.exitCode = await runNode(['build/test/gallery/screenshots.js']);
