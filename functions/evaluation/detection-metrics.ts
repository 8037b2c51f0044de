/** Corners in pixels, from the upper left. */
export interface Box {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

export interface LabelledBox {
  readonly label: string;
  readonly box: Box;
}

export interface Detection extends LabelledBox {
  readonly score: number;
}

export interface PictureBoxes {
  readonly truth: readonly LabelledBox[];
  readonly detections: readonly Detection[];
}

export interface DetectionMetrics {
  /** Mean over IoU thresholds .5, .55, … .95 and over classes: mAP@[.5:.95]. */
  readonly meanAveragePrecision: number;
  readonly meanAveragePrecision50: number;
  readonly meanAveragePrecision75: number;
  /** Class → mean over the thresholds. Classes without true boxes are not judged. */
  readonly perClass: Readonly<Record<string, number>>;
}

const thresholds = Array.from({ length: 10 }, (_, index) => 0.5 + 0.05 * index);
const maxDetections = 100;

/** Area of the intersection over area of the union; 0 where both are empty. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  const intersection = Math.max(width, 0) * Math.max(height, 0);
  const union = area(a) + area(b) - intersection;
  return union > 0 ? intersection / union : 0;
}

function area({ xmin, ymin, xmax, ymax }: Box): number {
  return (xmax - xmin) * (ymax - ymin);
}

/**
 * COCO's evaluation over boxes of any size, with at most 100 detections of a class in a picture. NaN without true boxes.
 * Source: cocodataset/cocoapi, pycocotools/cocoeval.py.
 */
export function detectionMetrics(pictures: readonly PictureBoxes[]): DetectionMetrics {
  const labels = [...new Set(pictures.flatMap(({ truth }) => truth.map(({ label }) => label)))].sort();
  const precisions = labels.map((label) => classPrecisions(pictures, label));
  const at = (threshold: number) => mean(precisions.map((values) => values[threshold]!));
  return {
    meanAveragePrecision: mean(precisions.map(mean)),
    meanAveragePrecision50: at(0),
    meanAveragePrecision75: at(5),
    perClass: Object.fromEntries(labels.map((label, index) => [label, mean(precisions[index]!)])),
  };
}

/** Average precision of one class at each threshold. */
function classPrecisions(pictures: readonly PictureBoxes[], label: string): number[] {
  const own = pictures.map(({ truth, detections }) => {
    const best = detections.filter((detection) => detection.label === label).sort((a, b) => b.score - a.score);
    return { truth: truth.filter((box) => box.label === label), detections: best.slice(0, maxDetections) };
  });
  const total = own.reduce((sum, { truth }) => sum + truth.length, 0);
  return thresholds.map((threshold) => {
    const judged = own.flatMap((picture) => matchPicture(picture, threshold)).sort((a, b) => b.score - a.score);
    return interpolatedPrecision(
      judged.map(({ hit }) => hit),
      total,
    );
  });
}

/** Each detection, best first, takes the free true box that it covers best. */
function matchPicture({ truth, detections }: PictureBoxes, threshold: number): { score: number; hit: boolean }[] {
  const taken = new Set<number>();
  return detections.map(({ box, score }) => {
    let [best, match] = [Math.min(threshold, 1 - 1e-10), -1];
    truth.forEach((actual, index) => {
      const overlap = intersectionOverUnion(box, actual.box);
      if (!taken.has(index) && overlap >= best) [best, match] = [overlap, index];
    });
    if (match >= 0) taken.add(match);
    return { score, hit: match >= 0 };
  });
}

/** Mean of the best precision at or beyond 101 recalls, 0, .01, … 1. */
function interpolatedPrecision(hits: readonly boolean[], total: number): number {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let found = 0;
  hits.forEach((hit, index) => {
    if (hit) found += 1;
    recalls.push(found / total);
    precisions.push(found / (index + 1));
  });
  for (let i = precisions.length - 2; i >= 0; i--) precisions[i] = Math.max(precisions[i]!, precisions[i + 1]!);
  let [sum, position] = [0, 0];
  for (let percent = 0; percent <= 100; percent++) {
    while (position < recalls.length && recalls[position]! < percent / 100) position += 1;
    sum += precisions[position] ?? 0;
  }
  return sum / 101;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
