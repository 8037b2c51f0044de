/** Class indices of the truth, and for each example the probability of each class. */
export interface ClassProbabilities {
  readonly truth: readonly number[];
  readonly probabilities: readonly (readonly number[])[];
}

/** Mean negative log-likelihood. Probabilities are kept 2^-52 off 0 and 1 and sum to one. Source: scikit-learn, log_loss. */
export function logLoss({ truth, probabilities }: ClassProbabilities): number {
  const losses = truth.map((label, example) => {
    const clipped = probabilities[example]!.map((p) => Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON));
    return -Math.log(clipped[label]! / clipped.reduce((a, b) => a + b, 0));
  });
  return mean(losses);
}

/** Mean squared error of the probability of the positive class. */
export function brierScore(positive: readonly boolean[], probabilities: readonly number[]): number {
  return mean(positive.map((isPositive, example) => (probabilities[example]! - Number(isPositive)) ** 2));
}

export interface CalibrationBin {
  readonly count: number;
  /** Mean probability of the predicted class; NaN where the bin is empty, and so is `accuracy`. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** Examples by the probability of their predicted class, in bins of equal width, open below. */
export function calibrationBins({ truth, probabilities }: ClassProbabilities, bins = 15): CalibrationBin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  truth.forEach((label, example) => {
    const scores = probabilities[example]!;
    const confidence = scores.reduce((a, b) => Math.max(a, b));
    const bin = sums[Math.min(Math.max(Math.ceil(confidence * bins) - 1, 0), bins - 1)]!;
    bin.count += 1;
    bin.confidence += confidence;
    if (scores.indexOf(confidence) === label) bin.right += 1;
  });
  return sums.map(({ count, confidence, right }) => ({
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }));
}

/** Expected calibration error: mean distance of confidence and accuracy over the bins. Source: Guo et al. (2017). */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const errors = bins.map(({ count, confidence, accuracy }) => (count ? count * Math.abs(confidence - accuracy) : 0));
  return errors.reduce((a, b) => a + b, 0) / total;
}

/**
 * Share of examples whose class is among the `k` of highest score. Of equal scores the later class ranks first, as in
 * scikit-learn's top_k_accuracy_score.
 */
export function topKAccuracy(truth: readonly number[], scores: readonly (readonly number[])[], k: number): number {
  const hits = truth.map((label, example) => {
    const own = scores[example]![label]!;
    const ahead = scores[example]!.filter((score, other) => score > own || (score === own && other > label));
    return Number(ahead.length < k);
  });
  return mean(hits);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
