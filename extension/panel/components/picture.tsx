/** A picture of pixels on a canvas, which a screen reader is told about in words. */
import { useEffect, useRef } from 'preact/hooks';

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

export function PictureView({ picture, label }: { readonly picture: Pixels; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, rgba } = picture;
    const data = new ImageData(Uint8ClampedArray.from(rgba), width, height);
    canvas.current?.getContext('2d')?.putImageData(data, 0, 0);
  }, [picture]);
  return (
    <canvas ref={canvas} class="picture" role="img" aria-label={label} width={picture.width} height={picture.height} />
  );
}
