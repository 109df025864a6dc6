/**
 * PyTorch as a measure and an oracle: the patch-diffusion net's training step transcribed to Python, run as a child process.
 *
 * The program travels as a string, so that it is there in every build; it is given to `python3 -c`. Data goes over its
 * standard streams: a line of JSON, then raw little-endian float32 arrays, each way.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

/** What goes in is named as in helper/kernelfusion/patch-diffusion-net.ts, and shaped as there. */
export interface Batch {
  readonly x0: Float32Array;
  readonly noise: Float32Array;
  readonly time: Float32Array;
}

export interface BatchSize {
  readonly batch: number;
  readonly crop: number;
}

export interface Load {
  readonly width: number;
  readonly channels: number;
  readonly threads: number;
  readonly parameters: Float32Array;
}

const PROGRAM = String.raw`
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

BLOCKS, EMBEDDING = 6, 64


def layout(width, channels):
    entries = [("time.weight", (EMBEDDING, EMBEDDING)), ("time.bias", (EMBEDDING,))]
    for k in range(BLOCKS):
        first, side = (channels, 3) if k == 0 else (width, 1)
        entries += [
            (f"block{k}.time.weight", (width, EMBEDDING)),
            (f"block{k}.time.bias", (width,)),
            (f"block{k}.conv1.weight", (width, first, 3, 3)),
            (f"block{k}.conv1.bias", (width,)),
            (f"block{k}.conv2.weight", (width, width, side, side)),
            (f"block{k}.conv2.bias", (width,)),
        ]
    return entries + [("out.weight", (channels, width, 1, 1)), ("out.bias", (channels,))]


def predict(p, x, embedding):
    e = F.silu(F.linear(embedding, p["time.weight"], p["time.bias"]))
    h = x
    for k in range(BLOCKS):
        at = lambda name: p[f"block{k}.{name}"]
        shift = F.linear(e, at("time.weight"), at("time.bias"))[:, :, None, None]
        u = F.relu(F.conv2d(h, at("conv1.weight"), at("conv1.bias"), padding=1) + shift)
        v = F.conv2d(u, at("conv2.weight"), at("conv2.bias"), padding=1 if k == 0 else 0)
        h = F.relu(v if k == 0 else h + v)
    return F.conv2d(h, p["out.weight"], p["out.bias"])


def loss_of(p, x0, noise, rows):
    a, s = rows[:, 0, None, None, None], rows[:, 1, None, None, None]
    v = predict(p, a * x0 + s * noise, rows[:, 2:])
    return F.mse_loss(v, a * noise - s * x0)


def read(count):
    return torch.from_numpy(np.frombuffer(sys.stdin.buffer.read(4 * count), "<f4").copy())


def read_batch(message, channels):
    batch, crop = message["batch"], message["crop"]
    picture = (batch, channels, crop, crop)
    size = int(np.prod(picture))
    return read(size).view(picture), read(size).view(picture), read(batch * (EMBEDDING + 2)).view(batch, -1)


def reply(message, array=None):
    sys.stdout.buffer.write((json.dumps(message) + "\n").encode())
    if array is not None:
        sys.stdout.buffer.write(array.astype("<f4").tobytes())
    sys.stdout.buffer.flush()


def main():
    parameters, channels = {}, 0
    for line in iter(sys.stdin.buffer.readline, b""):
        message = json.loads(line)
        if message["command"] == "load":
            torch.set_num_threads(message["threads"])
            channels = message["channels"]
            flat, offset, parameters = read(message["parameters"]), 0, {}
            for name, shape in layout(message["width"], channels):
                size = int(np.prod(shape))
                parameters[name] = flat[offset : offset + size].clone().view(shape).requires_grad_(True)
                offset += size
            adam = torch.optim.Adam(list(parameters.values()), betas=(0.9, 0.99))
            reply({"torch": torch.__version__})
        elif message["command"] == "gradient":
            loss = loss_of(parameters, *read_batch(message, channels))
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            reply({"loss": loss.item()}, np.concatenate([g.numpy().ravel() for g in gradients]))
        elif message["command"] == "train":
            batch, times = read_batch(message, channels), []
            for group in adam.param_groups:
                group["lr"] = message["rate"]
            for _ in range(message["steps"]):
                start = time.perf_counter()
                adam.zero_grad()
                loss = loss_of(parameters, *batch)
                loss.backward()
                adam.step()
                value = loss.item()
                times.append(1000 * (time.perf_counter() - start))
            reply({"milliseconds": times, "loss": value})


main()
`;

/** The system's own Python first: a user's version manager often hides the one that has PyTorch. */
const PYTHONS = ['/usr/bin/python3', 'python3'];

/** A Python that can import PyTorch, or null. */
export async function findTorch(): Promise<string | null> {
  for (const python of PYTHONS) {
    const found = await promisify(execFile)(python, ['-c', 'import torch, numpy']).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return null;
}

/** A running PyTorch. One question at a time. */
export class TorchNet {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private readonly output: AsyncIterator<Buffer>;
  private received = Buffer.alloc(0);

  constructor(python: string) {
    this.child = spawn(python, ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin!.on('error', () => {}); // A child that died is noticed where its answer is read.
    this.ended = once(this.child, 'close');
    this.output = this.child.stdout![Symbol.asyncIterator]();
  }

  /** Returns PyTorch's version. */
  async load({ parameters, ...size }: Load): Promise<string> {
    const answer = await this.ask({ command: 'load', ...size, parameters: parameters.length }, [parameters]);
    return answer.torch as string;
  }

  /** The loss at the loaded parameters, and its gradient as one flat vector of `length` numbers. */
  async gradient(size: BatchSize, batch: Batch, length: number): Promise<{ loss: number; gradient: Float32Array }> {
    const answer = await this.ask({ command: 'gradient', ...size }, [batch.x0, batch.noise, batch.time]);
    const bytes = await this.read(4 * length);
    return { loss: answer.loss as number, gradient: new Float32Array(new Uint8Array(bytes).buffer) };
  }

  /** Adam steps on one batch: the time of each, and the loss before the last. */
  async train(
    size: BatchSize & { readonly steps: number; readonly rate: number },
    batch: Batch,
  ): Promise<{ milliseconds: number[]; loss: number }> {
    const answer = await this.ask({ command: 'train', ...size }, [batch.x0, batch.noise, batch.time]);
    return { milliseconds: answer.milliseconds as number[], loss: answer.loss as number };
  }

  async close(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
  }

  /** Ends the process at once. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async ask(message: object, arrays: readonly Float32Array[]): Promise<Record<string, unknown>> {
    this.child.stdin!.write(`${JSON.stringify(message)}\n`);
    for (const array of arrays)
      this.child.stdin!.write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    for (;;) {
      const end = this.received.indexOf(10);
      if (end >= 0) return JSON.parse((await this.read(end + 1)).toString());
      await this.receive();
    }
  }

  private async read(length: number): Promise<Buffer> {
    while (this.received.length < length) await this.receive();
    const bytes = this.received.subarray(0, length);
    this.received = this.received.subarray(length);
    return bytes;
  }

  private async receive(): Promise<void> {
    const { value, done } = await this.output.next();
    if (done) throw new Error('PyTorch ended before it answered.');
    this.received = Buffer.concat([this.received, value]);
  }
}
