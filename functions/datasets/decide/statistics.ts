import type { PreparedManifest } from '../prepared-manifest.ts';
import type { Facts } from '../records/facts.ts';
import { createSketch, type Sketch } from './sketch.ts';

/** Columns beyond these are counted nowhere. */
const maxMeasures = 200;

/** Counts what is kept, record by record. */
export interface Statistics {
  add(facts: Facts, split: string): void;
  summary(): PreparedManifest['statistics'];
}

export function createStatistics(splits: readonly string[]): Statistics {
  const labels = new Map(splits.map((split) => [split, new Map<string, number>()]));
  const measures = new Map<string, Sketch>();
  let total = 0;
  return {
    add({ classes = [], measures: values }, split) {
      total += 1;
      const counts = labels.get(split)!;
      for (const name of classes) counts.set(name, (counts.get(name) ?? 0) + 1);
      for (const [name, value] of Object.entries(values)) {
        const sketch = measures.get(name) ?? (measures.size < maxMeasures ? createSketch() : undefined);
        if (!sketch) continue;
        measures.set(name, sketch);
        sketch.add(value);
      }
    },
    summary: () => ({
      labels: Object.fromEntries([...labels].map(([split, counts]) => [split, Object.fromEntries(sorted(counts))])),
      measures: Object.fromEntries(sorted(measures).map(([name, sketch]) => [name, sketch.summary(total)!])),
    }),
  };
}

function sorted<Value>(entries: ReadonlyMap<string, Value>): [string, Value][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
