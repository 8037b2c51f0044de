import { DetectionEvaluation } from './detection-metrics.ts';
import type { Evaluation, Evaluator } from './evaluator.ts';
import { intersectionOverUnion } from './intersection-over-union.ts';
import type { Detection, TrueBox } from './match-detections.ts';
import { readDetections, readTrueBoxes } from './read-answers.ts';
import { weightedSum } from './weights.ts';

/** Most detections that are kept; with twenty a picture, those of 100,000 pictures. */
const maxDetections = 2e6;
const expectedDetections = 20;
const rightOverlap = 0.5;

/** Pictures with the objects in them. A picture that failed has no detections. */
export class DetectionEvaluator implements Evaluator {
  private readonly evaluation = new DetectionEvaluation();
  private readonly overlaps: Float64Array;
  private readonly objects: Float64Array;
  /** Only every n-th picture goes into the mean average precision. */
  private readonly every: number;

  constructor(records: number) {
    this.overlaps = new Float64Array(records);
    this.objects = new Float64Array(records);
    this.every = Math.max(1, Math.ceil((records * expectedDetections) / maxDetections));
  }

  add(index: number, label: unknown, output: unknown) {
    const truth = readTrueBoxes(label);
    const detections = output === undefined ? [] : readDetections(output);
    if (index % this.every === 0) this.evaluation.addPicture(index, truth, detections);
    const { overlap, missed, invented, objects } = compareObjects(truth, detections);
    this.overlaps[index] = overlap;
    this.objects[index] = objects;
    const loss = missed + invented;
    const names = (boxes: readonly { label: string }[]) => boxes.map((one) => one.label).join(', ') || 'none';
    return {
      loss: output === undefined ? 0 : loss,
      right: loss === 0,
      label: names(truth),
      answer: names(detections.filter(({ score }) => score >= rightOverlap)),
    };
  }

  finish(count: number): Evaluation {
    const { labels, support, measure } = this.evaluation.finish();
    const [overlaps, objects] = [this.overlaps.subarray(0, count), this.objects.subarray(0, count)];
    const names = ['map', 'map_50', 'map_75', 'map_small', 'map_medium', 'map_large', 'mar_1', 'mar_10', 'mar_100'];
    return {
      metrics: [...names, 'mean_iou'],
      labels,
      classMetrics: ['average_precision'],
      support,
      measure: (weights) => {
        const { perClass, ...values } = measure(weights);
        const meanOverlap = weightedSum(overlaps, weights) / weightedSum(objects, weights);
        return [...Object.values(values), meanOverlap, ...perClass];
      },
      // Ten thresholds in each of four ranges of areas, and ten of recall for three limits.
      cost: 70 * this.evaluation.count + 2 * count,
      notes: [
        "mAP is COCO's: the mean over IoU thresholds .5 to .95 and over classes, with 100 detections of a class in a picture at most.",
        ...(this.every > 1 ? [`It is of every ${this.every}th picture: the detections of all are too many.`] : []),
      ],
      details: {},
    };
  }
}

/** Detections with a score of at least .5, best first, each take the free object of their class that they cover best. */
function compareObjects(truth: readonly TrueBox[], detections: readonly Detection[]) {
  const wanted = truth.filter(({ crowd }) => !crowd);
  const free = new Set(wanted);
  let [overlap, hits, invented] = [0, 0, 0];
  for (const detection of detections.filter(({ score }) => score >= 0.5).toSorted((a, b) => b.score - a.score)) {
    let [best, match]: [number, TrueBox | undefined] = [0, undefined];
    for (const object of free) {
      if (object.label !== detection.label) continue;
      const own = intersectionOverUnion(detection.box, object.box);
      if (own > best) [best, match] = [own, object];
    }
    if (match) free.delete(match);
    overlap += best;
    if (best >= rightOverlap) hits += 1;
    else invented += 1;
  }
  return { overlap, missed: wanted.length - hits, invented, objects: wanted.length };
}
