/** Counts of true label (row) and predicted label (column), in the order of the labels. */
export type ConfusionMatrix = readonly (readonly number[])[];

interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

interface ClassScores extends Scores {
  /** True examples of the class. */
  readonly support: number;
}

export interface ClassificationMetrics {
  readonly accuracy: number;
  /** Mean recall of the classes that have examples. */
  readonly balancedAccuracy: number;
  /** NaN where chance alone would always agree. */
  readonly cohenKappa: number;
  readonly matthewsCorrelation: number;
  readonly micro: Scores;
  readonly macro: Scores;
  readonly weighted: Scores;
  readonly perClass: readonly ClassScores[];
}

/** `labels` has every label that occurs; labels that do not occur have rows and columns of zeros. */
export function confusionMatrix(
  truth: readonly string[],
  predicted: readonly string[],
  labels: readonly string[],
): number[][] {
  const index = new Map(labels.map((label, position) => [label, position]));
  const matrix = labels.map(() => labels.map(() => 0));
  for (let i = 0; i < truth.length; i++) matrix[index.get(truth[i]!)!]![index.get(predicted[i]!)!]! += 1;
  return matrix;
}

/** Ratios without a denominator are 0, as with scikit-learn's `zero_division=0`. Source: scikit-learn, metrics/_classification.py. */
export function classificationMetrics(matrix: ConfusionMatrix): ClassificationMetrics {
  const support = matrix.map(sum);
  const predicted = matrix.map((_, column) => sum(matrix.map((row) => row[column]!)));
  const hits = matrix.map((row, label) => row[label]!);
  const [total, right] = [sum(support), sum(hits)];
  const perClass = hits.map((hit, label) => scores(hit, predicted[label]!, support[label]!));
  const present = perClass.filter((scored) => scored.support > 0);
  const accuracy = ratio(right, total);
  const chance = sum(support.map((count, label) => count * predicted[label]!));
  return {
    accuracy,
    balancedAccuracy: ratio(sum(present.map(({ recall }) => recall)), present.length),
    cohenKappa: 1 - (total - right) / (total - chance / total),
    matthewsCorrelation: matthewsCorrelation(total, right, chance, support, predicted),
    micro: { precision: accuracy, recall: accuracy, f1: accuracy },
    macro: average(
      perClass,
      perClass.map(() => 1),
    ),
    weighted: average(perClass, support),
    perClass,
  };
}

function scores(hit: number, predicted: number, support: number): ClassScores {
  return {
    precision: ratio(hit, predicted),
    recall: ratio(hit, support),
    f1: ratio(2 * hit, predicted + support),
    support,
  };
}

function average(perClass: readonly Scores[], weights: readonly number[]): Scores {
  const mean = (field: keyof Scores) =>
    ratio(sum(perClass.map((scored, label) => scored[field] * weights[label]!)), sum(weights));
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

/** Gorodkin's R_K; 0 where it is undefined. Source: scikit-learn, matthews_corrcoef. */
function matthewsCorrelation(
  total: number,
  right: number,
  chance: number,
  support: readonly number[],
  predicted: readonly number[],
): number {
  const squares = (counts: readonly number[]) => total * total - sum(counts.map((count) => count * count));
  return ratio(right * total - chance, Math.sqrt(squares(support) * squares(predicted)));
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
