/** A picture of pixels on a canvas, which a screen reader is told about in words. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

interface PictureProps {
  readonly picture: Pixels;
  readonly label: string;
  /** For who draws from the canvas. */
  readonly canvas?: RefObject<HTMLCanvasElement | null>;
}

export function PictureView({ picture, label, canvas }: PictureProps) {
  const own = useRef<HTMLCanvasElement>(null);
  const drawn = canvas ?? own;
  // Before anything is painted, or drawn from it: the lens is a later sibling.
  useLayoutEffect(() => {
    const { width, height, rgba } = picture;
    const data = new ImageData(new Uint8ClampedArray(rgba), width, height);
    drawn.current?.getContext('2d')?.putImageData(data, 0, 0);
  }, [picture]);
  return (
    <canvas ref={drawn} class="picture" role="img" aria-label={label} width={picture.width} height={picture.height} />
  );
}
