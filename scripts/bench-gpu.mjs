/**
 * `npm run bench:gpu`: for a person with a graphics card, once. On a fresh clone alone: installs, builds, says which devices
 * were found, and enlarges a photograph of 128, 256 and 512 pixels a side on each, beside the processor. What follows the
 * command goes to `kernelfusion bench devices`: `npm run bench:gpu -- --sizes 64`.
 *
 * What NVIDIA's cards need besides is not installed by this: the device's refusal says what fetches it (docs/devices.md).
 */
import path from 'node:path';
import { bundle, install, runNode } from './steps.mjs';

await install();
await bundle();
const picture = path.join('test', 'fixtures', 'sample.png');
const given = process.argv.slice(2);
process.exitCode = await runNode(['dist/helper/cli.js', 'bench', 'devices', '--picture', picture, ...given]);
