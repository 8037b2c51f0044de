/** Scores of examples, and whether each is of the positive class. */
export interface BinaryScores {
  readonly positive: readonly boolean[];
  readonly scores: readonly number[];
}

export interface RocCurve {
  readonly falsePositiveRate: readonly number[];
  readonly truePositiveRate: readonly number[];
}

interface Step {
  readonly truePositives: number;
  readonly falsePositives: number;
}

/** Counts above each distinct score, from the highest down: equal scores are one step. */
function steps({ positive, scores }: BinaryScores): Step[] {
  const order = scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!);
  const counted: Step[] = [];
  let [truePositives, falsePositives] = [0, 0];
  order.forEach((example, position) => {
    if (positive[example]) truePositives += 1;
    else falsePositives += 1;
    const next = order[position + 1];
    if (next === undefined || scores[next] !== scores[example]) counted.push({ truePositives, falsePositives });
  });
  return counted;
}

/** One point for each distinct score, after the origin. NaN rates where there are only positives or only negatives. */
export function rocCurve(examples: BinaryScores): RocCurve {
  const counted = [{ truePositives: 0, falsePositives: 0 }, ...steps(examples)];
  const all = counted[counted.length - 1]!;
  return {
    falsePositiveRate: counted.map(({ falsePositives }) => falsePositives / all.falsePositives),
    truePositiveRate: counted.map(({ truePositives }) => truePositives / all.truePositives),
  };
}

/** Area under the ROC curve; a tie counts half. NaN where there are only positives or only negatives. */
export function rocAuc(examples: BinaryScores): number {
  const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(examples);
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  return x.length > 1 ? area : Number.NaN;
}

/** Sum of precision over the steps of recall, without interpolation. NaN without positives. Source: scikit-learn, average_precision_score. */
export function averagePrecision(examples: BinaryScores): number {
  const counted = steps(examples);
  const positives = counted.at(-1)?.truePositives ?? 0;
  let [sum, before] = [0, 0];
  for (const { truePositives, falsePositives } of counted) {
    sum += ((truePositives - before) / positives) * (truePositives / (truePositives + falsePositives));
    before = truePositives;
  }
  return positives > 0 ? sum : Number.NaN;
}

/**
 * Area under the ROC curve over many classes. `truth` are class indices, `scores[example][class]`. `ovr` takes each class
 * against all others; `ovo` each pair of classes, both ways round. A class without examples, or with all of them, has no
 * area and is left out; NaN where none is left. Source: Hand and Till (2001); scikit-learn, roc_auc_score.
 */
export function multiclassRocAuc(
  truth: readonly number[],
  scores: readonly (readonly number[])[],
  options: { readonly method: 'ovr' | 'ovo'; readonly average: 'macro' | 'weighted' },
): number {
  const counts = new Map<number, number>();
  for (const label of truth) counts.set(label, (counts.get(label) ?? 0) + 1);
  const classes = [...counts.keys()].sort((a, b) => a - b);
  const areas =
    options.method === 'ovr'
      ? classes.map((label) => ({ area: oneAgainst(truth, scores, label), weight: counts.get(label)! }))
      : pairs(classes).map(([a, b]) => ({
          area: (oneAgainst(truth, scores, a, b) + oneAgainst(truth, scores, b, a)) / 2,
          weight: counts.get(a)! + counts.get(b)!,
        }));
  const defined = areas.filter(({ area }) => !Number.isNaN(area));
  const weightOf = ({ weight }: { weight: number }) => (options.average === 'weighted' ? weight : 1);
  const total = defined.reduce((sum, entry) => sum + weightOf(entry), 0);
  return defined.reduce((sum, entry) => sum + entry.area * weightOf(entry), 0) / total;
}

/** Area of `label` against the class `other`, or against all. */
function oneAgainst(
  truth: readonly number[],
  scores: readonly (readonly number[])[],
  label: number,
  other?: number,
): number {
  const examples = truth.flatMap((actual, index) =>
    other === undefined || actual === label || actual === other ? [index] : [],
  );
  return rocAuc({
    positive: examples.map((index) => truth[index] === label),
    scores: examples.map((index) => scores[index]![label]!),
  });
}

function pairs(values: readonly number[]): [number, number][] {
  return values.flatMap((a, index) => values.slice(index + 1).map((b): [number, number] => [a, b]));
}
