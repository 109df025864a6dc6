/** A kernel as a heat map: black where it is nothing, through red and yellow to white at its peak. */
import { useEffect, useRef } from 'preact/hooks';
import type { Kernel } from '../../../../shared/kernel.ts';

/** RGB of a value 0..1: each third of the way one more colour channel fills up. */
const heat = (value: number) => [3 * value, 3 * value - 1, 3 * value - 2].map((part) => 255 * part);

export function KernelMap({ kernel, label }: { readonly kernel: Kernel; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { size, data } = kernel;
    const peak = Math.max(...data);
    const rgba = new Uint8ClampedArray(4 * size * size);
    for (const [at, value] of data.entries()) rgba.set([...heat(Math.max(0, value) / peak), 255], 4 * at);
    canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, size, size), 0, 0);
  }, [kernel]);
  return <canvas ref={canvas} class="kernel" role="img" aria-label={label} width={kernel.size} height={kernel.size} />;
}
