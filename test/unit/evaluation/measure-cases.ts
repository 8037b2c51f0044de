import type { Evaluator } from '../../../functions/evaluation/evaluator.ts';
import { equalWeights, type Weights } from '../../../functions/evaluation/weights.ts';

type Pair = readonly [label: unknown, output: unknown];

/** What an evaluator makes of labels and answers: its metrics by name, and those of its classes. */
export async function measure(evaluator: Evaluator, pairs: readonly Pair[], weights?: Weights) {
  for (const [index, [label, output]] of pairs.entries()) await evaluator.add(index, label, output);
  const { metrics, labels, classMetrics, support, measure, notes, details } = evaluator.finish(pairs.length);
  const values = Array.from(measure(weights ?? equalWeights(pairs.length)));
  const classes = labels.map((label, at): [string, Record<string, number>] => [
    label,
    Object.fromEntries(classMetrics.map((name, i) => [name, values[metrics.length + at * classMetrics.length + i]!])),
  ]);
  return {
    values: Object.fromEntries(metrics.map((name, i): [string, number] => [name, values[i]!])),
    classes: Object.fromEntries(classes),
    support,
    notes,
    details,
  };
}

/** Every label with its score, best first, as a classification answers. */
export function scored(labels: readonly string[], scores: readonly number[]) {
  return labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score);
}

/** Entities of tags, by token, as a token-classification answers them with the strategy `none`. */
export function tagged(tags: readonly string[]) {
  return tags.flatMap((entity, index) => (entity === 'O' ? [] : [{ entity, index, start: index, end: index + 1 }]));
}
