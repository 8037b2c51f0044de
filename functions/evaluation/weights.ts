/**
 * How often each example counts: once, or as often as a bootstrap sample has drawn it. Every metric takes them, so that a
 * sample costs no copy of the examples.
 */
export type Weights = ArrayLike<number>;

export function equalWeights(count: number): Weights {
  return new Uint8Array(count).fill(1);
}

/** Mean of the values that are numbers; NaN where there are none. */
export function weightedMean(values: ArrayLike<number>, weights: Weights): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    sum += value * weights[i]!;
    total += weights[i]!;
  }
  return sum / total;
}

export function weightedSum(values: ArrayLike<number>, weights: Weights): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * weights[i]!;
  return sum;
}

/** Mean of the values that are defined; NaN where none is. */
export function meanOfDefined(values: ArrayLike<number>): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    sum += values[i]!;
    count += 1;
  }
  return sum / count;
}
