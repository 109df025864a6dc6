/** `npm run screenshots`: builds and runs test/gallery/screenshots.ts, which says what it draws. Takes some minutes. */
import { bundle, compile, install, runNode } from './steps.mjs';

await install();
await compile();
await bundle();
process.exitCode = await runNode(['build/test/gallery/screenshots.js']);
