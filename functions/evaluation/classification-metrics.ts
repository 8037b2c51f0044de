import type { Weights } from './weights.ts';

/** Of each class, in the order of the labels. */
export interface ClassCounts {
  /** Examples of the class that were found. */
  readonly hits: Float64Array;
  /** Examples of the class. */
  readonly support: Float64Array;
  /** Examples that were taken for the class. */
  readonly predicted: Float64Array;
}

export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface Averages {
  readonly micro: Scores;
  readonly macro: Scores;
  readonly weighted: Scores;
  readonly perClass: readonly Scores[];
}

export interface ClassificationMetrics extends Averages {
  readonly accuracy: number;
  /** Mean recall of the classes that have examples. */
  readonly balancedAccuracy: number;
  /** NaN where chance alone would always agree. */
  readonly cohenKappa: number;
  readonly matthewsCorrelation: number;
}

/** Classes by their index; −1 as a prediction is none at all: wrong, and no class's. */
export function countClasses(
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  weights: Weights,
): ClassCounts {
  const counts = createCounts(classes);
  for (let i = 0; i < truth.length; i++) {
    const [actual, found, weight] = [truth[i]!, predicted[i]!, weights[i]!];
    counts.support[actual]! += weight;
    if (found >= 0) counts.predicted[found]! += weight;
    if (found === actual) counts.hits[actual]! += weight;
  }
  return counts;
}

export function createCounts(classes: number): ClassCounts {
  return {
    hits: new Float64Array(classes),
    support: new Float64Array(classes),
    predicted: new Float64Array(classes),
  };
}

/** Counts of true class (row) and predicted class (column). */
export function confusionMatrix(truth: ArrayLike<number>, predicted: ArrayLike<number>, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < truth.length; i++) if (predicted[i]! >= 0) matrix[truth[i]!]![predicted[i]!]! += 1;
  return matrix;
}

/** Of examples with one class each. Source: scikit-learn, metrics/_classification.py. */
export function classificationMetrics(counts: ClassCounts): ClassificationMetrics {
  const { hits, support, predicted } = counts;
  const [total, right, answered] = [sum(support), sum(hits), sum(predicted)];
  const averages = averageScores(counts);
  let [recalls, present, chance, trueSquares, foundSquares] = [0, 0, 0, 0, (total - answered) ** 2];
  for (let label = 0; label < support.length; label++) {
    if (support[label]! > 0) present += 1;
    recalls += ratio(hits[label]!, support[label]!);
    chance += support[label]! * predicted[label]!;
    trueSquares += support[label]! ** 2;
    foundSquares += predicted[label]! ** 2;
  }
  return {
    accuracy: ratio(right, total),
    balancedAccuracy: ratio(recalls, present),
    cohenKappa: 1 - (total - right) / (total - chance / total),
    // Gorodkin's R_K; 0 where it is undefined.
    matthewsCorrelation: ratio(
      right * total - chance,
      Math.sqrt((total * total - trueSquares) * (total * total - foundSquares)),
    ),
    ...averages,
  };
}

/** Ratios without a denominator are 0, as with scikit-learn's `zero_division=0`. */
export function averageScores({ hits, support, predicted }: ClassCounts): Averages {
  const perClass = Array.from(hits, (hit, label) => scores(hit, predicted[label]!, support[label]!));
  return {
    micro: scores(sum(hits), sum(predicted), sum(support)),
    macro: average(perClass, undefined),
    weighted: average(perClass, support),
    perClass,
  };
}

function scores(hits: number, predicted: number, support: number): Scores {
  return { precision: ratio(hits, predicted), recall: ratio(hits, support), f1: ratio(2 * hits, predicted + support) };
}

function average(perClass: readonly Scores[], weights: Float64Array | undefined): Scores {
  let [precision, recall, f1, total] = [0, 0, 0, 0];
  for (const [label, scored] of perClass.entries()) {
    const weight = weights ? weights[label]! : 1;
    precision += scored.precision * weight;
    recall += scored.recall * weight;
    f1 += scored.f1 * weight;
    total += weight;
  }
  return { precision: ratio(precision, total), recall: ratio(recall, total), f1: ratio(f1, total) };
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
