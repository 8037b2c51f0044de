import type { CalibrationBin } from './probability-metrics.ts';
import type { Weights } from './weights.ts';

/** What one record's answer is worth. */
export interface Verdict {
  /** How wrong it is, on a scale of the task's own; 0: nothing to complain of. */
  readonly loss: number;
  readonly right: boolean;
  /** For people, short. */
  readonly label: string;
  readonly answer: string;
}

/** Collects records of one task in typed arrays: a million of them take some tens of megabytes. */
export interface Evaluator {
  /**
   * Record number `index`, below the number of records; an `output` that is undefined: it failed. Each number comes once, in
   * any order; one that never comes must have no weight. Throws invalid_request where label and output cannot be compared.
   */
  add(index: number, label: unknown, output: unknown): Verdict | Promise<Verdict>;
  /** After the last record; `count` is above all numbers. */
  finish(count: number): Evaluation;
}

export interface Evaluation {
  /** Names of the metrics, the one to judge by first. */
  readonly metrics: readonly string[];
  /** Classes, and the names of what is measured of each. */
  readonly labels: readonly string[];
  readonly classMetrics: readonly string[];
  /** Of each class, what there is of it. */
  readonly support: readonly number[];
  /** Values of `metrics`, then for each class those of `classMetrics`; NaN where one is not defined. */
  measure(weights: Weights): ArrayLike<number>;
  /** Numbers that one `measure` reads. */
  readonly cost: number;
  /** What a reader must know to take the numbers right. */
  readonly notes: readonly string[];
  readonly details: Details;
}

export interface LabelledCurve {
  readonly label: string;
  readonly x: number[];
  readonly y: number[];
}

export interface HistogramBin {
  readonly from: number;
  readonly to: number;
  /** Right and wrong, or all. */
  readonly counts: number[];
}

export interface Confusion {
  readonly label: string;
  readonly answer: string;
  readonly count: number;
}

/** What charts are made of; what a task has not is absent. */
export interface Details {
  /** Of few classes. Rows are true classes. */
  readonly confusionMatrix?: number[][];
  /** What is most often taken for what. */
  readonly confusions?: Confusion[];
  readonly calibration?: CalibrationBin[];
  readonly roc?: LabelledCurve[];
  readonly precisionRecall?: LabelledCurve[];
  readonly histogram?: { readonly of: string; readonly series: string[]; readonly bins: HistogramBin[] };
}

/** Metrics of which less is better. */
const errors = ['_loss', '_error', 'error_rate', 'information_lost', 'brier_score'];

export function lessIsBetter(metric: string): boolean {
  return errors.some((ending) => metric.endsWith(ending));
}

/** Counts of `values` in `bins` parts of equal width; `series` says which of the counts each belongs to. NaN is left out. */
export function histogramOf(
  values: ArrayLike<number>,
  series: (index: number) => number,
  options: { readonly bins?: number; readonly seriesCount?: number; readonly range?: readonly [number, number] } = {},
): HistogramBin[] {
  const { bins = 20, seriesCount = 1 } = options;
  const [low, high] = options.range ?? rangeOf(values);
  const width = (high - low) / bins || 1;
  const counts = Array.from({ length: bins }, () => new Array<number>(seriesCount).fill(0));
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((values[i]! - low) / width)));
    counts[bin]![series(i)]! += 1;
  }
  return counts.map((own, bin) => ({ from: low + bin * width, to: low + (bin + 1) * width, counts: own }));
}

function rangeOf(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return low <= high ? [low, high] : [0, 1];
}
