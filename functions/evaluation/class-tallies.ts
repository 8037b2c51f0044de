import { type ClassCounts, createCounts } from './classification-metrics.ts';
import { GrowingArray } from './growing-array.ts';
import type { Weights } from './weights.ts';

/**
 * What each record has of each class, where a record may have many: labels of a picture, entities of a text, pixels. One
 * entry for each class of a record that is there or was found.
 */
export class ClassTallies {
  private readonly records = new GrowingArray((length) => new Uint32Array(length));
  private readonly classes = new GrowingArray((length) => new Uint32Array(length));
  private readonly hits = new GrowingArray((length) => new Float64Array(length));
  private readonly support = new GrowingArray((length) => new Float64Array(length));
  private readonly predicted = new GrowingArray((length) => new Float64Array(length));

  get length(): number {
    return this.records.length;
  }

  add(record: number, label: number, tally: { hits: number; support: number; predicted: number }): void {
    this.records.push(record);
    this.classes.push(label);
    this.hits.push(tally.hits);
    this.support.push(tally.support);
    this.predicted.push(tally.predicted);
  }

  count(classes: number, weights: Weights): ClassCounts {
    const counts = createCounts(classes);
    const [records, labels] = [this.records.toArray(), this.classes.toArray()];
    const [hits, support, predicted] = [this.hits.toArray(), this.support.toArray(), this.predicted.toArray()];
    for (let i = 0; i < records.length; i++) {
      const weight = weights[records[i]!]!;
      const label = labels[i]!;
      counts.hits[label]! += hits[i]! * weight;
      counts.support[label]! += support[i]! * weight;
      counts.predicted[label]! += predicted[i]! * weight;
    }
    return counts;
  }
}

/** Intersection over union of each class, NaN where it neither is nor was found; source: Hugging Face evaluate, mean_iou. */
export function overlapMetrics(counts: ClassCounts) {
  const { hits, support, predicted } = counts;
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  return {
    pixelAccuracy: sum(hits) / sum(support),
    perClass: Array.from(hits, (hit, label) => ({
      iou: hit / (support[label]! + predicted[label]! - hit),
      accuracy: hit / support[label]!,
    })),
  };
}
