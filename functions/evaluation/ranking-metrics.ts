import { ServiceError } from '../errors.ts';
import { meanOfDefined, type Weights } from './weights.ts';

/** Examples by one score, the highest first. */
export interface Ranking {
  /** Numbers of the examples. */
  readonly order: Uint32Array;
  /** 1 at the last example of each distinct score: equal scores are one step of every curve. */
  readonly lastOfStep: Uint8Array;
}

/** Sorted once, whatever the number of bootstrap samples. `examples`: only these. Throws invalid_request for NaN. */
export function rankScores(scores: ArrayLike<number>, examples?: ArrayLike<number>): Ranking {
  const order = Uint32Array.from(
    examples ?? { length: scores.length },
    (example, i) => (examples ? example : i) as number,
  );
  for (const example of order) {
    if (Number.isNaN(scores[example]!)) {
      throw new ServiceError('invalid_request', `the score of example ${example} is not a number`);
    }
  }
  order.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const lastOfStep = new Uint8Array(order.length);
  for (let i = 0; i < order.length; i++) {
    lastOfStep[i] = Number(i + 1 === order.length || scores[order[i]!] !== scores[order[i + 1]!]);
  }
  return { order, lastOfStep };
}

/** Weights above a threshold, by what the examples are. */
type Step = (truePositives: number, falsePositives: number) => void;

function walk(
  { order, lastOfStep }: Ranking,
  positive: ArrayLike<boolean | number>,
  weights: Weights,
  step: Step,
): void {
  let [truePositives, falsePositives] = [0, 0];
  for (let i = 0; i < order.length; i++) {
    const example = order[i]!;
    if (positive[example]) truePositives += weights[example]!;
    else falsePositives += weights[example]!;
    if (lastOfStep[i]) step(truePositives, falsePositives);
  }
}

export interface Curve {
  readonly x: number[];
  readonly y: number[];
}

/**
 * False (x) and true (y) positive rate: one point for each distinct score, after the origin. NaN where there are only
 * positives or only negatives.
 */
export function rocCurve(ranking: Ranking, positive: ArrayLike<boolean | number>, weights: Weights): Curve {
  const points: [number, number][] = [[0, 0]];
  walk(ranking, positive, weights, (truePositives, falsePositives) => points.push([falsePositives, truePositives]));
  const [negatives, positives] = points.at(-1)!;
  return { x: points.map(([x]) => x / negatives), y: points.map(([, y]) => y / positives) };
}

/** Recall (x) and precision (y): one point for each distinct score. NaN recall without positives. */
export function precisionRecallCurve(ranking: Ranking, positive: ArrayLike<boolean | number>, weights: Weights): Curve {
  const points: [number, number][] = [];
  walk(ranking, positive, weights, (hits, misses) => points.push([hits, hits / (hits + misses)]));
  const positives = points.at(-1)?.[0] ?? 0;
  return { x: points.map(([hits]) => hits / positives), y: points.map(([, precision]) => precision) };
}

interface BinaryAreas {
  /** Area under the ROC curve; a tie counts half. NaN where there are only positives or only negatives. */
  readonly rocAuc: number;
  /** Sum of precision over the steps of recall, without interpolation. NaN without positives. */
  readonly averagePrecision: number;
}

/** Source: scikit-learn, roc_auc_score and average_precision_score. */
export function binaryAreas(ranking: Ranking, positive: ArrayLike<boolean | number>, weights: Weights): BinaryAreas {
  let [area, precisions, hits, misses] = [0, 0, 0, 0];
  walk(ranking, positive, weights, (truePositives, falsePositives) => {
    area += ((falsePositives - misses) * (truePositives + hits)) / 2;
    if (truePositives > hits) precisions += ((truePositives - hits) * truePositives) / (truePositives + falsePositives);
    [hits, misses] = [truePositives, falsePositives];
  });
  return { rocAuc: area / (hits * misses), averagePrecision: hits > 0 ? precisions / hits : Number.NaN };
}

export interface MulticlassAreas {
  /** Each class against all others (`ovr`), and each pair of classes, both ways round (`ovo`). */
  readonly rocAuc: Readonly<Record<'ovrMacro' | 'ovrWeighted' | 'ovoMacro' | 'ovoWeighted', number>>;
  readonly averagePrecisionMacro: number;
  readonly perClass: readonly BinaryAreas[];
}

/**
 * Areas over many classes, from one walk over each class's ranking. A class without examples, or with all of them, has no
 * area and is left out; NaN where none is left. Source: Hand and Till (2001); scikit-learn, roc_auc_score.
 */
export function multiclassAreas(
  rankings: readonly Ranking[],
  truth: ArrayLike<number>,
  weights: Weights,
): MulticlassAreas {
  const classes = rankings.length;
  const support = new Float64Array(classes);
  const { order = [] } = rankings[0] ?? {};
  for (const example of order) support[truth[example]!]! += weights[example]!;
  const total = support.reduce((a, b) => a + b, 0);
  const walked = rankings.map((ranking, label) => againstEach(ranking, truth, label, classes, weights));
  const perClass = walked.map(({ wins, precisions }, label) => ({
    rocAuc: wins.reduce((a, b) => a + b, 0) / (support[label]! * (total - support[label]!)),
    averagePrecision: support[label]! > 0 ? precisions / support[label]! : Number.NaN,
  }));
  const ovr = perClass.map(({ rocAuc }, label) => ({ area: rocAuc, weight: support[label]! }));
  const ovo = pairsOf(classes).map(([a, b]) => ({
    area: (walked[a]!.wins[b]! + walked[b]!.wins[a]!) / (2 * support[a]! * support[b]!),
    weight: support[a]! + support[b]!,
  }));
  return {
    rocAuc: {
      ovrMacro: meanOfDefined(ovr.map(({ area }) => area)),
      ovrWeighted: weightedArea(ovr),
      ovoMacro: meanOfDefined(ovo.map(({ area }) => area)),
      ovoWeighted: weightedArea(ovo),
    },
    averagePrecisionMacro: meanOfDefined(perClass.map(({ averagePrecision }) => averagePrecision)),
    perClass,
  };
}

/** How many pairs the examples of `label` win against those of each other class; a tie is half. And the sum of precisions. */
function againstEach(
  { order, lastOfStep }: Ranking,
  truth: ArrayLike<number>,
  label: number,
  classes: number,
  weights: Weights,
): { wins: Float64Array; precisions: number } {
  const wins = new Float64Array(classes);
  let [hits, seen, precisions] = [0, 0, 0];
  for (let start = 0, end = 0; start < order.length; start = end) {
    let [own, all] = [0, 0];
    do {
      const weight = weights[order[end]!]!;
      all += weight;
      if (truth[order[end]!] === label) own += weight;
      end += 1;
    } while (!lastOfStep[end - 1]);
    if (all > own) {
      const above = hits + own / 2;
      for (let i = start; i < end; i++) {
        const other = truth[order[i]!]!;
        if (other !== label) wins[other]! += above * weights[order[i]!]!;
      }
    }
    hits += own;
    seen += all;
    if (own > 0) precisions += (own * hits) / seen;
  }
  return { wins, precisions };
}

function weightedArea(areas: readonly { readonly area: number; readonly weight: number }[]): number {
  let [sum, total] = [0, 0];
  for (const { area, weight } of areas) {
    if (Number.isNaN(area)) continue;
    sum += area * weight;
    total += weight;
  }
  return sum / total;
}

function pairsOf(count: number): [number, number][] {
  return Array.from({ length: count }, (_, a) => a).flatMap((a) =>
    Array.from({ length: count - a - 1 }, (_, i): [number, number] => [a, a + 1 + i]),
  );
}
