import type { Averages } from './classification-metrics.ts';

/** Precision, recall and F1 of each kind of mean, by the names that reports have for them. */
export function scoreValues(averages: Averages): Record<string, number> {
  const names = (['macro', 'weighted', 'micro'] as const).flatMap((kind) =>
    (['f1', 'precision', 'recall'] as const).map((name) => [`${name}_${kind}`, averages[kind][name]] as const),
  );
  return Object.fromEntries(names);
}
