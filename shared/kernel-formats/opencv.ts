/**
 * A kernel as an OpenCV FileStorage (YAML 1.0), a matrix of doubles named `kernel`. CORRELATION sense: what `filter2D` takes.
 *
 * https://docs.opencv.org/4.x/da/d56/classcv_1_1FileStorage.html
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import { type KernelFormat, rows } from './format.ts';

export function writeOpenCv(kernel: Kernel): Uint8Array {
  const { size } = kernel;
  const values = rows(kernel, ', ').join(',\n       ');
  const lines = [`   rows: ${size}`, `   cols: ${size}`, '   dt: d', `   data: [ ${values} ]`];
  return bytesOf(['%YAML:1.0', '---', 'kernel: !!opencv-matrix', ...lines, ''].join('\n'));
}

export const openCvFormat: KernelFormat = {
  id: 'opencv',
  extension: '.yml',
  label: 'OpenCV',
  purpose: 'For OpenCV in C++ or Python, in the sense filter2D takes.',
  recipe: {
    tool: 'OpenCV',
    language: 'python',
    code: `storage = cv2.FileStorage('kernel.yml', cv2.FILE_STORAGE_READ); blurred = cv2.filter2D(picture, -1, storage.getNode('kernel').mat())`,
  },
  sense: 'correlation',
  centring: 'middle',
  write: writeOpenCv,
};
