import { GrowingArray } from './growing-array.ts';
import { areaRanges, type Detection, iouThresholds, matchDetections, type TrueBox } from './match-detections.ts';
import { meanOfDefined, type Weights } from './weights.ts';

/** Mean average precision over IoU thresholds .5, .55, … .95 and over classes; NaN where there is nothing to find. */
export interface DetectionMetrics {
  readonly map: number;
  readonly map50: number;
  readonly map75: number;
  readonly mapSmall: number;
  readonly mapMedium: number;
  readonly mapLarge: number;
  /** Mean recall with at most 1, 10 and 100 detections of a class in a picture. */
  readonly mar1: number;
  readonly mar10: number;
  readonly mar100: number;
  /** In the order of `labels`; classes without objects have NaN. */
  readonly perClass: readonly number[];
}

const mostDetections = 100;
/** numpy's linspace(0, 1, 101) to the last bit. */
const recallThresholds = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

/** Detections of one class in all pictures, in the order that they came; one of each array for each. */
class ClassDetections {
  readonly scores = new GrowingArray((length) => new Float64Array(length));
  readonly pictures = new GrowingArray((length) => new Uint32Array(length));
  /** Place among the detections of its class in its picture, from 0. */
  readonly places = new GrowingArray((length) => new Uint8Array(length));
  /** By range of areas. */
  readonly hits = areaRanges.map(() => new GrowingArray((length) => new Uint16Array(length)));
  readonly ignored = areaRanges.map(() => new GrowingArray((length) => new Uint16Array(length)));
  /** Pictures with objects, and how many, by range of areas. */
  readonly picturesWithObjects = areaRanges.map(() => new GrowingArray((length) => new Uint32Array(length)));
  readonly objects = areaRanges.map(() => new GrowingArray((length) => new Uint32Array(length)));
  order = new Uint32Array();
}

/** COCO's evaluation of boxes, picture by picture. Source: cocodataset/cocoapi, pycocotools/cocoeval.py. */
export class DetectionEvaluation {
  private readonly classes = new Map<string, ClassDetections>();
  /** Detections kept: what one `measure` reads. */
  count = 0;

  addPicture(picture: number, truth: readonly TrueBox[], detections: readonly Detection[]): void {
    for (const label of new Set([...truth, ...detections].map((one) => one.label))) {
      const best = detections.filter((one) => one.label === label).sort((a, b) => b.score - a.score);
      const own = { truth: truth.filter((one) => one.label === label), detections: best.slice(0, mostDetections) };
      this.addClass(picture, this.classOf(label), own.truth, own.detections);
    }
  }

  private classOf(label: string): ClassDetections {
    const known = this.classes.get(label) ?? new ClassDetections();
    this.classes.set(label, known);
    return known;
  }

  private addClass(
    picture: number,
    kept: ClassDetections,
    truth: readonly TrueBox[],
    detections: readonly Detection[],
  ): void {
    for (const [index, { score }] of detections.entries()) {
      kept.scores.push(score);
      kept.pictures.push(picture);
      kept.places.push(index);
    }
    this.count += detections.length;
    for (const [range, bounds] of areaRanges.entries()) {
      const { objects, hits, ignored } = matchDetections(truth, detections, bounds);
      for (const bits of hits) kept.hits[range]!.push(bits);
      for (const bits of ignored) kept.ignored[range]!.push(bits);
      if (objects === 0) continue;
      kept.picturesWithObjects[range]!.push(picture);
      kept.objects[range]!.push(objects);
    }
  }

  /** After the last picture: classes that have objects, by name, and what measures them with pictures weighted. */
  finish(): { labels: string[]; support: number[]; measure(weights: Weights): DetectionMetrics } {
    const found = [...this.classes].filter(([, { objects }]) => objects[0]!.length > 0);
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, kept] of found) kept.order = bestFirst(kept.scores.toArray());
    const classes = found.map(([, kept]) => kept);
    return {
      labels: found.map(([label]) => label),
      support: classes.map(({ objects }) => objects[0]!.toArray().reduce((sum, count) => sum + count, 0)),
      measure: (weights) => measureAll(classes, weights),
    };
  }
}

function bestFirst(scores: Float64Array): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function measureAll(classes: readonly ClassDetections[], weights: Weights): DetectionMetrics {
  const [all, small, medium, large] = areaRanges.map((_, range) =>
    classes.map((kept) => iouThresholds.map((_threshold, bit) => averagePrecision(kept, range, bit, weights))),
  ) as [number[][], number[][], number[][], number[][]];
  const recallWith = (most: number) =>
    meanOfDefined(classes.flatMap((kept) => iouThresholds.map((_, bit) => recall(kept, bit, most, weights))));
  const at = (bit: number) => meanOfDefined(all.map((values) => values[bit]!));
  return {
    map: meanOfDefined(all.flat()),
    map50: at(0),
    map75: at(5),
    mapSmall: meanOfDefined(small.flat()),
    mapMedium: meanOfDefined(medium.flat()),
    mapLarge: meanOfDefined(large.flat()),
    mar1: recallWith(1),
    mar10: recallWith(10),
    mar100: recallWith(mostDetections),
    perClass: all.map(meanOfDefined),
  };
}

function countObjects(kept: ClassDetections, range: number, weights: Weights): number {
  const [pictures, objects] = [kept.picturesWithObjects[range]!.toArray(), kept.objects[range]!.toArray()];
  let sum = 0;
  for (let i = 0; i < pictures.length; i++) sum += weights[pictures[i]!]! * objects[i]!;
  return sum;
}

/** Mean of the best precision at or beyond 101 recalls, 0, .01, … 1; NaN without objects. */
function averagePrecision(kept: ClassDetections, range: number, bit: number, weights: Weights): number {
  const total = countObjects(kept, range, weights);
  if (total === 0) return Number.NaN;
  const [hits, ignored] = [kept.hits[range]!.toArray(), kept.ignored[range]!.toArray()];
  const pictures = kept.pictures.toArray();
  const recalls = new Float64Array(kept.order.length);
  const precisions = new Float64Array(kept.order.length);
  let [right, wrong] = [0, 0];
  for (let i = 0; i < kept.order.length; i++) {
    const detection = kept.order[i]!;
    const weight = weights[pictures[detection]!]!;
    if ((hits[detection]! >> bit) & 1) right += weight;
    else if (!((ignored[detection]! >> bit) & 1)) wrong += weight;
    recalls[i] = right / total;
    precisions[i] = right === 0 ? 0 : right / (right + wrong);
  }
  for (let i = precisions.length - 2; i >= 0; i--) precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  let [sum, position] = [0, 0];
  for (const threshold of recallThresholds) {
    while (position < recalls.length && recalls[position]! < threshold) position += 1;
    sum += precisions[position] ?? 0;
  }
  return sum / recallThresholds.length;
}

function recall(kept: ClassDetections, bit: number, most: number, weights: Weights): number {
  const total = countObjects(kept, 0, weights);
  const [hits, pictures, places] = [kept.hits[0]!.toArray(), kept.pictures.toArray(), kept.places.toArray()];
  let right = 0;
  for (let i = 0; i < hits.length; i++) {
    if ((hits[i]! >> bit) & 1 && places[i]! < most) right += weights[pictures[i]!]!;
  }
  return total === 0 ? Number.NaN : right / total;
}
