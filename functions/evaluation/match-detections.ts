import { area, type Box, intersectionOverUnion } from './intersection-over-union.ts';

/** An object in a picture. */
export interface TrueBox {
  readonly label: string;
  readonly box: Box;
  /** Many objects in one box: found or not, it counts for nothing. COCO's `iscrowd`. */
  readonly crowd?: boolean;
  /** Of the object itself, in pixels; absent: of its box. */
  readonly area?: number;
}

export interface Detection {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
}

/** 0.5, 0.55, … 0.95 to the last bit of numpy's linspace. */
export const iouThresholds = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));

/** Square pixels of an object. Source: cocodataset/cocoapi, cocoeval.py. */
export const areaRanges = [
  { name: 'all', from: 0, to: 1e10 },
  { name: 'small', from: 0, to: 32 ** 2 },
  { name: 'medium', from: 32 ** 2, to: 96 ** 2 },
  { name: 'large', from: 96 ** 2, to: 1e10 },
] as const;

/** Detections of one class in one picture, best first, judged in one range of areas. */
export interface Matches {
  /** Objects that are to be found. */
  readonly objects: number;
  /** Bit t: a hit at threshold t. */
  readonly hits: Uint16Array;
  /** Bit t: neither hit nor miss at threshold t. */
  readonly ignored: Uint16Array;
}

/** Each detection, best first, takes the free object that it covers best. Source: cocodataset/cocoapi, cocoeval.py, evaluateImg. */
export function matchDetections(
  truth: readonly TrueBox[],
  detections: readonly Detection[],
  range: { readonly from: number; readonly to: number },
): Matches {
  const outside = (size: number) => size < range.from || size > range.to;
  const ignores = ({ crowd = false, area: size, box }: TrueBox) => crowd || outside(size ?? area(box));
  const objects = truth.map((object) => ({ ...object, ignored: ignores(object) }));
  objects.sort((a, b) => Number(a.ignored) - Number(b.ignored));
  const overlaps = detections.map(({ box }) =>
    objects.map((object) => intersectionOverUnion(box, object.box, object.crowd)),
  );
  const hits = new Uint16Array(detections.length);
  const ignored = new Uint16Array(detections.length);
  for (const [index, threshold] of iouThresholds.entries()) {
    const taken = new Set<number>();
    for (let i = 0; i < detections.length; i++) {
      const match = bestMatch(overlaps[i]!, objects, taken, threshold);
      if (match >= 0) taken.add(match);
      const isIgnored = match >= 0 ? objects[match]!.ignored : outside(area(detections[i]!.box));
      if (isIgnored) ignored[i]! |= 1 << index;
      else if (match >= 0) hits[i]! |= 1 << index;
    }
  }
  return { objects: objects.filter((object) => !object.ignored).length, hits, ignored };
}

/** −1: none. An object that counts is better than one that does not, however well that is covered. */
function bestMatch(
  overlaps: readonly number[],
  objects: readonly (TrueBox & { readonly ignored: boolean })[],
  taken: ReadonlySet<number>,
  threshold: number,
): number {
  let [best, match] = [Math.min(threshold, 1 - 1e-10), -1];
  for (let i = 0; i < objects.length; i++) {
    if (taken.has(i) && !objects[i]!.crowd) continue;
    if (match >= 0 && !objects[match]!.ignored && objects[i]!.ignored) break;
    if (overlaps[i]! < best) continue;
    [best, match] = [overlaps[i]!, i];
  }
  return match;
}
