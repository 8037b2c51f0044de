import type { Weights } from './weights.ts';

/** Negative log-likelihood of the class `label`. Probabilities are kept 2^-52 off 0 and 1. Source: scikit-learn, log_loss. */
export function logLoss(probabilities: ArrayLike<number>, label: number): number {
  let [own, sum] = [Number.EPSILON, 0];
  for (let i = 0; i < probabilities.length; i++) {
    const clipped = Math.min(Math.max(probabilities[i]!, Number.EPSILON), 1 - Number.EPSILON);
    sum += clipped;
    if (i === label) own = clipped;
  }
  return -Math.log(own / sum);
}

/** Squared error of the probabilities of all classes: of two classes half of this is the Brier score of one. */
export function squaredError(probabilities: ArrayLike<number>, label: number): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += (probabilities[i]! - Number(i === label)) ** 2;
  return label >= 0 && label < probabilities.length ? sum : sum + 1;
}

export interface CalibrationBin {
  readonly count: number;
  /** Mean probability of the predicted class; NaN where the bin is empty, and so is `accuracy`. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** Examples by the probability of their predicted class, in bins of equal width, open below. NaN: no answer, left out. */
export function calibrationBins(
  confidence: ArrayLike<number>,
  right: ArrayLike<number>,
  weights: Weights,
  bins = 15,
): CalibrationBin[] {
  const [counts, confidences, rights] = [0, 1, 2].map(() => new Float64Array(bins)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < confidence.length; i++) {
    const [value, weight] = [confidence[i]!, weights[i]!];
    if (Number.isNaN(value)) continue;
    const bin = Math.min(Math.max(Math.ceil(value * bins) - 1, 0), bins - 1);
    counts[bin]! += weight;
    confidences[bin]! += value * weight;
    rights[bin]! += right[i]! * weight;
  }
  return Array.from(counts, (count, bin) => ({
    count,
    confidence: confidences[bin]! / count,
    accuracy: rights[bin]! / count,
  }));
}

/** Expected calibration error: mean distance of confidence and accuracy over the bins. Source: Guo et al. (2017). */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  let [sum, total] = [0, 0];
  for (const { count, confidence, accuracy } of bins) {
    if (count > 0) sum += count * Math.abs(confidence - accuracy);
    total += count;
  }
  return sum / total;
}

/**
 * Place of the class among the scores, counted from 0: it is among the first k where it is below k. Of equal scores the
 * later class ranks first, as in scikit-learn's top_k_accuracy_score.
 */
export function rankOfLabel(scores: ArrayLike<number>, label: number): number {
  let ahead = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > scores[label]! || (scores[i] === scores[label] && i > label)) ahead += 1;
  }
  return ahead;
}
