/**
 * `npm run demo`: on a fresh clone alone, installs, builds, enlarges a sample photograph x2 and x4, and names the results.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { bundle, install, root, runNode, step } from './steps.mjs';

const FOLDER = 'demo-output';

await install();
await bundle();
mkdirSync(path.join(root, FOLDER), { recursive: true });

const written = [];
for (const scale of [2, 4]) {
  const name = path.join(FOLDER, `sample-x${scale}`);
  const files = [`${name}.png`, `${name}-kernel.npy`, `${name}-kernel.png`, `${name}-report.html`];
  const [picture, kernel, kernelPicture, report] = files;
  await step(`Enlarging the sample photograph x${scale}`, () =>
    runNode([
      ...['dist/helper/cli.js', 'upscale', path.join('test', 'fixtures', 'sample.png')],
      ...['--output', picture, '--scale', String(scale), '--kernel-out', kernel, '--kernel-out', kernelPicture],
      ...['--report', report, '--force'],
    ]),
  );
  written.push(...files);
}

console.log('\n== Done. Open a report in a browser to compare before and after:');
for (const file of written) console.log(path.join(root, file));
