/**
 * What USRNet does with a kernel, without its network: the data step, equation 14 of arXiv 2003.10428, whose matrices are
 * those of a kernel that convolves in a ring and of the top left pixel of every block that is kept. The solution nearest to the
 * plain enlargement gains with our export and loses with its half-turn.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { flip } from '../../shared/kernel.ts';
import { exportKernel } from '../../shared/kernel-formats/index.ts';
import { matFormat } from '../../shared/kernel-formats/mat.ts';
import { asymmetric } from '../support/asymmetric.ts';
import { needsPython } from '../support/python.ts';
import { runIn } from '../support/tools.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-usrnet-'));
after(() => rmSync(folder, { recursive: true }));
const sample = fileURLToPath(new URL('../../../test/fixtures/sample.png', import.meta.url));

/** The blur is made by the true kernel's definition (shared/kernel.ts), which the exported array is not asked about. */
const PROGRAM = `
import json, sys
import numpy as np
import scipy.io
from PIL import Image

sample, s = sys.argv[1], 2
x = np.asarray(Image.open(sample).convert('L'), float)[:96, :96] / 255
truth = np.array(json.load(open('truth.json')))
n, size = truth.shape[0], x.shape[0]

small = np.zeros((size // s, size // s))
for i in range(size // s):
  for j in range(size // s):
    rows = (s * i + (s - n) // 2 + np.arange(n)) % size
    columns = (s * j + (s - n) // 2 + np.arange(n)) % size
    small[i, j] = (truth * x[np.ix_(rows, columns)]).sum()

def plain(y):
  return np.asarray(Image.fromarray(y.astype('f4')).resize((size, size), Image.BICUBIC), float)

def data_step(z, y, k, alpha):
  ring = np.zeros(z.shape)
  ring[:k.shape[0], :k.shape[1]] = k
  F = np.fft.fft2(np.roll(ring, [-(k.shape[0] // 2), -(k.shape[1] // 2)], (0, 1)))
  spread = np.zeros(z.shape)
  spread[::s, ::s] = y
  d = F.conj() * np.fft.fft2(spread) + alpha * np.fft.fft2(z)
  blocks = lambda a: a.reshape(s, size // s, s, size // s).mean((0, 2))
  ratio = blocks(F * d) / (blocks(abs(F) ** 2) + alpha)
  return np.fft.ifft2((d - F.conj() * np.tile(ratio, (s, s))) / alpha).real

psnr = lambda a: -10 * np.log10(((a - x)[16:-16, 16:-16] ** 2).mean())
z = plain(small)
k = scipy.io.loadmat('kernel.mat')['kernel']
print(json.dumps([psnr(z), psnr(data_step(z, small, k, 0.003)), psnr(data_step(z, small, k[::-1, ::-1], 0.003))]))`;

test(
  "USRNet's data step gains with the kernel centred for it, and loses with its half-turn",
  needsPython('scipy', 'PIL'),
  () => {
    const kernel = asymmetric(12, 2);
    const rows = Array.from({ length: 12 }, (_, r) => [...kernel.data.subarray(12 * r, 12 * r + 12)]);
    writeFileSync(path.join(folder, 'truth.json'), JSON.stringify(rows));
    const run = (given = kernel, centring: 'corner' | 'found' = 'corner'): number[] => {
      writeFileSync(path.join(folder, 'kernel.mat'), exportKernel(given, matFormat, { centring }).bytes);
      return JSON.parse(runIn(folder, '/usr/bin/python3', ['-c', PROGRAM, sample]));
    };
    const [before, right] = run();
    const [, turned] = run(flip(kernel));
    assert.ok(right >= before + 3, `${right} dB after ${before} dB`);
    assert.ok(turned < before, `${turned} dB with the kernel turned, ${before} dB before`);
  },
);
