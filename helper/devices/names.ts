/** Names of all devices, apart from what loads their libraries: the command line has to start where one is broken. */
export const DEVICE_NAMES = [
  'onnx-cuda',
  'onnx-tensorrt',
  'onnx-dml',
  'onnx-coreml',
  'onnx-webgpu',
  'tfjs-node-gpu',
  'tfjs-node',
  'onnx-cpu',
] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];
