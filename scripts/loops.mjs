/** Compiles the solvers' innermost loops, AssemblyScript to WebAssembly: to the file named, relative to the root. */
import asc from 'assemblyscript/asc';
import { root } from './steps.mjs';

export async function compileLoops(file) {
  const { error, stderr } = await asc.main([
    ...['helper/wasm/loops.ts', '--baseDir', root, '--outFile', file],
    // No more than the loops: no allocator, no checks, and a memory that the caller makes.
    ...['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--enable', 'simd', '--importMemory'],
  ]);
  if (error) throw new Error(`${error.message}\n${stderr}`);
}
