import type { Weights } from './weights.ts';

/** Pearson's correlation of pairs; NaN where one side never changes. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>, weights: Weights): number {
  let [total, meanA, meanB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    total += weights[i]!;
    meanA += weights[i]! * a[i]!;
    meanB += weights[i]! * b[i]!;
  }
  [meanA, meanB] = [meanA / total, meanB / total];
  let [together, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [offA, offB] = [a[i]! - meanA, b[i]! - meanB];
    together += weights[i]! * offA * offB;
    squaresA += weights[i]! * offA * offA;
    squaresB += weights[i]! * offB * offB;
  }
  const scale = Math.sqrt(squaresA * squaresB);
  return scale === 0 ? Number.NaN : together / scale;
}

/** Numbers of values from the smallest up; a sorted list that serves for every bootstrap sample. */
export function sortOrder(values: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
}

/** Spearman's correlation: Pearson's of the ranks, of equal values the mean rank. `orders` are sortOrder of `a` and of `b`. */
export function spearman(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  orders: readonly [Uint32Array, Uint32Array],
  weights: Weights,
): number {
  return pearson(ranks(a, orders[0], weights), ranks(b, orders[1], weights), weights);
}

/** Mean rank of each value in the sample that has it as often as its weight says. */
function ranks(values: ArrayLike<number>, order: Uint32Array, weights: Weights): Float64Array {
  const ranked = new Float64Array(values.length);
  let below = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    let tied = 0;
    for (; end < order.length && values[order[end]!] === values[order[start]!]; end++) tied += weights[order[end]!]!;
    for (let i = start; i < end; i++) ranked[order[i]!] = below + (tied + 1) / 2;
    below += tied;
  }
  return ranked;
}
