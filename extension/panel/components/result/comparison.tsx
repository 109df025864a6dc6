/**
 * The picture before and after: over each other, with a slider that moves the line between them, and one spot of both seen
 * through a lens, which follows the pointer or the arrow keys.
 */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Picture } from '../../../editors/picture.ts';
import { STRINGS } from '../../strings.ts';
import { PictureView } from '../picture.tsx';
import { type Area, LENS_SIDE, lensArea, moved, moveOf, type Spot } from './lens.ts';

const { result: TEXT } = STRINGS;

interface ComparisonProps {
  readonly original: Picture;
  readonly enlarged: Picture;
}

const percent = (share: number) => `${100 * share}%`;

export function Comparison({ original, enlarged }: ComparisonProps) {
  const [share, setShare] = useState(50);
  const [spot, setSpot] = useState<Spot>({ x: 0.5, y: 0.5 });
  const [before, after] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const area = lensArea(spot, enlarged);
  const middle = moved(area, [0, 0]);

  const follow = ({ currentTarget, clientX, clientY }: PointerEvent) => {
    const { left, top, width, height } = (currentTarget as HTMLElement).getBoundingClientRect();
    setSpot({ x: (clientX - left) / width, y: (clientY - top) / height });
  };
  const press = (event: KeyboardEvent) => {
    const move = moveOf(event);
    if (!move) return;
    event.preventDefault(); // The panel would scroll.
    setSpot(moved(area, move));
  };

  return (
    <div class="comparison">
      <div class="pair" onPointerMove={follow} onPointerDown={follow}>
        <PictureView picture={enlarged} label={TEXT.after} canvas={after} />
        <div class="before" style={{ clipPath: `inset(0 ${100 - share}% 0 0)` }}>
          <PictureView picture={original} label={TEXT.before} canvas={before} />
        </div>
        <div class="line" style={{ left: `${share}%` }} />
        <div
          class="frame"
          role="slider"
          tabIndex={0}
          aria-label={TEXT.lens}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(100 * middle.x)}
          aria-valuetext={TEXT.lensAt(middle.x, middle.y)}
          style={Object.fromEntries(Object.entries(area).map(([side, value]) => [side, percent(value)]))}
          onKeyDown={press}
        />
      </div>
      <input
        type="range"
        aria-label={TEXT.compare}
        value={share}
        onInput={({ currentTarget }) => setShare(currentTarget.valueAsNumber)}
      />
      <div class="lenses">
        <LensView of={before} picture={original} area={area} label={TEXT.before} />
        <LensView of={after} picture={enlarged} area={area} label={TEXT.after} />
      </div>
    </div>
  );
}

interface LensProps {
  /** Where the picture has been drawn. */
  readonly of: RefObject<HTMLCanvasElement | null>;
  readonly picture: Picture;
  readonly area: Area;
  readonly label: string;
}

/** Pixels as they are, none made up between them. */
function LensView({ of, picture, area, label }: LensProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const side = 4 * LENS_SIDE;
  useLayoutEffect(() => {
    const pen = canvas.current?.getContext('2d');
    if (!pen || !of.current) return;
    const { left, top, width, height } = area;
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, side, side);
    pen.drawImage(
      of.current,
      ...([left * picture.width, top * picture.height, width * picture.width, height * picture.height] as const),
      ...([0, 0, side, side] as const),
    );
  }, [picture, area.left, area.top, area.width, area.height]);
  return (
    <figure>
      <canvas ref={canvas} class="picture" role="img" aria-label={TEXT.through(label)} width={side} height={side} />
      <figcaption>{label}</figcaption>
    </figure>
  );
}
