/** `npm run compile`: compiles into build/, a mirror of the sources, where tests run. Checks types. */
import { compileLoops } from './loops.mjs';
import { runNode } from './steps.mjs';

process.exitCode = await runNode(['node_modules/typescript/bin/tsc', '--build']);
await compileLoops('build/helper/kernelfusion/loops.wasm');
