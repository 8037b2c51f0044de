import { ClassTallies } from './class-tallies.ts';
import { averageScores } from './classification-metrics.ts';
import { countEntities, type Entity, entitiesOfTags } from './entities.ts';
import type { Evaluation, Evaluator } from './evaluator.ts';
import { type ReadEntity, readEntities } from './read-answers.ts';
import { scoreValues } from './score-values.ts';
import { equalWeights, type Weights, weightedMean } from './weights.ts';

/** Texts with the entities in them: one is right where kind, beginning and end are. A text that failed has none. */
export class EntityEvaluator implements Evaluator {
  private readonly labels = new Map<string, number>();
  private readonly tallies = new ClassTallies();
  private readonly exact: Float64Array;

  constructor(records: number) {
    this.exact = new Float64Array(records);
  }

  add(index: number, label: unknown, output: unknown) {
    const truth = toEntities(readEntities(label, 'label'));
    const found = output === undefined ? [] : toEntities(readEntities(output, 'answer'));
    let wrong = 0;
    for (const [name, tally] of countEntities(truth, found)) {
      const number = this.labels.get(name) ?? this.labels.size;
      this.labels.set(name, number);
      this.tallies.add(index, number, tally);
      wrong += tally.support + tally.predicted - 2 * tally.hits;
    }
    this.exact[index] = Number(wrong === 0);
    const loss = output === undefined ? 0 : wrong;
    return { loss, right: wrong === 0, label: renderEntities(truth), answer: renderEntities(found) };
  }

  finish(count: number): Evaluation {
    const names = [...this.labels.keys()];
    const order = names.map((_, number) => number).sort((a, b) => (names[a]! < names[b]! ? -1 : 1));
    const exact = this.exact.subarray(0, count);
    const measureNamed = (weights: Weights) => {
      const averages = averageScores(this.tallies.count(names.length, weights));
      const { f1_micro, ...others } = scoreValues(averages);
      return { averages, values: { f1_micro, ...others, text_accuracy: weightedMean(exact, weights) } };
    };
    const ones = equalWeights(count);
    const { support } = this.tallies.count(names.length, ones);
    return {
      metrics: Object.keys(measureNamed(ones).values),
      labels: order.map((number) => names[number]!),
      classMetrics: ['precision', 'recall', 'f1'],
      support: order.map((number) => support[number]!),
      measure: (weights) => {
        const { averages, values } = measureNamed(weights);
        const classes = order.flatMap((number) => {
          const { precision, recall, f1 } = averages.perClass[number]!;
          return [precision, recall, f1];
        });
        return [...(Object.values(values) as number[]), ...classes];
      },
      cost: 5 * this.tallies.length + count,
      notes: ['An entity is right where its kind, its beginning and its end are.'],
      details: {},
    };
  }
}

/** Tags of single tokens are joined; entities without a kind are left out. */
function toEntities(given: readonly ReadEntity[]): Entity[] {
  const tokens = given.filter(({ entity, index }) => entity !== undefined && index !== undefined);
  if (tokens.length === given.length && given.length > 0) return joinTokens(tokens);
  return given.flatMap(({ label, entity_group, entity, start, end }) => {
    const kind = label ?? entity_group ?? entity;
    return kind === undefined ? [] : [{ label: kind, start, end }];
  });
}

function joinTokens(tokens: readonly ReadEntity[]): Entity[] {
  const byIndex = new Map(tokens.map((token) => [token.index!, token]));
  const indexes = [...byIndex.keys()].sort((a, b) => a - b);
  const tags: string[] = [];
  const places: number[] = [];
  for (const [place, index] of indexes.entries()) {
    // Between tokens that do not follow each other stands at least one without a tag.
    if (place > 0 && index !== indexes[place - 1]! + 1) {
      tags.push('O');
      places.push(-1);
    }
    tags.push(byIndex.get(index)!.entity!);
    places.push(index);
  }
  return entitiesOfTags(tags).map(({ label, start, end }) => ({
    label,
    start: byIndex.get(places[start]!)!.start,
    end: byIndex.get(places[end - 1]!)!.end,
  }));
}

function renderEntities(entities: readonly Entity[]): string {
  return entities.map(({ label, start, end }) => `${label} ${start}–${end}`).join(', ') || 'none';
}
