import type { OutlierRule } from '../clean/clean-schema.ts';
import { drop, keptRecords, type RecordTable } from './record-table.ts';

/** A measure's values in the table; a column may be named as it is. */
export function measureOf({ of }: OutlierRule, measures: readonly string[]): string {
  return measures.includes(of) ? of : `column ${of}`;
}

/** Drops what lies outside the bounds of each rule; all rules see the same records. */
export function dropOutliers(table: RecordTable, rules: readonly OutlierRule[], measures: readonly string[]): void {
  const kept = keptRecords(table);
  for (const rule of rules) {
    const values = table.measures.get(measureOf(rule, measures));
    if (!values) continue;
    const present = Float64Array.from(kept, (record) => values[record]!).filter((value) => !Number.isNaN(value));
    if (present.length === 0) continue;
    const [low, high] = rule.rule === 'iqr' ? fences(present.sort(), rule.factor) : deviations(present, rule.factor);
    for (const record of kept) {
      const value = values[record]!;
      if (value < low || value > high) drop(table, record, 'outlier');
    }
  }
}

function fences(sorted: Float64Array, factor: number): [low: number, high: number] {
  const [first, third] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const reach = factor * (third - first);
  return [first - reach, third + reach];
}

/** Between two values linear, as NumPy has it. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place - Math.floor(place));
}

function deviations(values: Float64Array, factor: number): [low: number, high: number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const reach = factor * Math.sqrt(variance);
  return [mean - reach, mean + reach];
}
