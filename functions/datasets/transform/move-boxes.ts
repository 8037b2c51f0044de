import type { Size } from '../../media/resize.ts';
import type { Boxes } from '../records/read-label.ts';
import type { MovePoint } from './transform-picture.ts';

/** An object of which less than this share is still in the picture is none any more. */
const leastShare = 0.25;

/** Boxes where `move` brings them: upright ones around the moved corners, cut at the picture's border. */
export function moveBoxes(boxes: Boxes, move: MovePoint, { width, height }: Size): Boxes {
  return boxes.flatMap(({ box, ...rest }) => {
    const { xmin, ymin, xmax, ymax } = box;
    const corners = [move(xmin, ymin), move(xmax, ymin), move(xmin, ymax), move(xmax, ymax)];
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
    const whole = { xmin: Math.min(...xs), ymin: Math.min(...ys), xmax: Math.max(...xs), ymax: Math.max(...ys) };
    const seen = {
      xmin: Math.max(0, whole.xmin),
      ymin: Math.max(0, whole.ymin),
      xmax: Math.min(width, whole.xmax),
      ymax: Math.min(height, whole.ymax),
    };
    const isSeen = seen.xmax > seen.xmin && seen.ymax > seen.ymin && area(seen) >= leastShare * area(whole);
    return isSeen ? [{ ...rest, box: seen }] : [];
  });
}

function area({ xmin, ymin, xmax, ymax }: Boxes[number]['box']): number {
  return (xmax - xmin) * (ymax - ymin);
}
