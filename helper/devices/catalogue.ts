/**
 * Every device graphs can run on: what it is called, what it computes with, and how its executor is made in this process.
 *
 * A device is a library together with the hardware it reaches. Names are those that `--device` takes. Whether a device is
 * really there shows when its executor is made (survey.ts asks), for no library can be trusted to say so beforehand.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Executor } from '../tensor/executor.ts';
import { createOnnxExecutor } from '../tensor/executors/onnx/executor.ts';
import { createTfjsExecutor } from '../tensor/executors/tfjs/executor.ts';
import type { DeviceName } from './names.ts';

type OnnxProvider = Extract<DeviceName, `onnx-${string}`> extends `onnx-${infer P}` ? P : never;

export interface Device {
  readonly name: DeviceName;
  /** What computes, for a person. */
  readonly title: string;
  /** npm package it comes in, whose version its results depend on. */
  readonly package: 'onnxruntime-node' | '@tensorflow/tfjs-node-gpu' | '@tensorflow/tfjs-node';
  /** Execution provider of ONNX Runtime. */
  readonly provider?: string;
  /** Whether it is tried where no device is named. */
  readonly automatic: boolean;
  /** Makes the executor in this process; throws `ENGINE_UNAVAILABLE`. `threads`: of the processor, where it uses them. */
  readonly create: (threads?: number) => Promise<Executor>;
}

function onnx<const P extends OnnxProvider>(provider: P, title: string, automatic = true): Device {
  const create = (threads?: number) =>
    createOnnxExecutor({ providers: [provider], ...(threads !== undefined && { threads }) });
  return { name: `onnx-${provider}`, title, package: 'onnxruntime-node', provider, automatic, create };
}

function tfjs(name: 'tfjs-node-gpu' | 'tfjs-node', title: string): Device {
  const packageName = `@tensorflow/${name}` as const;
  return { name, title, package: packageName, automatic: true, create: () => createTfjsExecutor(packageName) };
}

/** The processor, by ONNX Runtime: always there, and what every other device is measured against and falls back to. */
export const PROCESSOR = onnx('cpu', 'the processor, by ONNX Runtime');

/** In the order in which they are tried. */
export const DEVICES: readonly Device[] = [
  onnx('cuda', 'an NVIDIA card, by ONNX Runtime and CUDA'),
  // It makes an engine of its own of every graph, which takes minutes: for those who know that they want it.
  onnx('tensorrt', 'an NVIDIA card, by ONNX Runtime and TensorRT', false),
  onnx('dml', 'any graphics card on Windows, by ONNX Runtime and DirectML'),
  onnx('coreml', "Apple's processors, by ONNX Runtime and Core ML"),
  onnx('webgpu', 'any graphics card, by ONNX Runtime and WebGPU'),
  tfjs('tfjs-node-gpu', 'an NVIDIA card, by TensorFlow'),
  tfjs('tfjs-node', 'the processor, by TensorFlow'),
  PROCESSOR,
];

/** The device of that name; throws `BAD_OPTION`. */
export function deviceNamed(name: string): Device {
  const device = DEVICES.find((known) => known.name === name);
  if (device) return device;
  const names = DEVICES.map((known) => known.name).join(', ');
  throw new KernelFusionError('BAD_OPTION', `There is no device "${name.slice(0, 40)}": take one of ${names}.`);
}
