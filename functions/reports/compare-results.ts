import { ServiceError } from '../errors.ts';
import { bootstrapIntervals, defaultConfidence, defaultResamples } from '../evaluation/bootstrap.ts';
import { createEvaluator } from '../evaluation/create-evaluator.ts';
import type { Evaluation, Evaluator, Verdict } from '../evaluation/evaluator.ts';
import { mcnemar } from '../evaluation/mcnemar.ts';
import type { Weights } from '../evaluation/weights.ts';
import type { TaskName } from '../tasks/task-names.ts';
import type { Comparison, Difference, Flip } from './comparison.ts';
import type { ResultRecord } from './read-results.ts';

const mostFlips = 50;
const mostAnswers = 10_000;
const mostCharacters = 200;
const maxReads = 4e9;
const fewestResamples = 100;

/** Tasks whose answers are nearer or farther rather than right or wrong. */
const graded: readonly TaskName[] = ['tabular-regression', 'sentence-similarity', 'image-segmentation'];

type Compared = Pick<Comparison, 'records' | 'resamples' | 'metrics' | 'classes' | 'mcnemar' | 'fixed' | 'broken'>;

/**
 * What changes from the first results to the second, over the records that both can be judged by: the samples of the
 * bootstrap are the same for both, so that what is hard for both does not blur their difference.
 */
export async function compareResults(
  [first, second]: readonly [AsyncIterable<ResultRecord>, AsyncIterable<ResultRecord>],
  records: number,
  { task, seed }: { readonly task: TaskName; readonly seed: string },
): Promise<Compared> {
  const pairing = new Pairing(records, task);
  for await (const record of first) await pairing.addFirst(record);
  for await (const record of second) await pairing.addSecond(record);
  return pairing.finish(seed);
}

class Pairing {
  private readonly task: TaskName;
  private readonly records: number;
  private readonly numbers = new Map<string, number>();
  private evaluators: readonly [Evaluator, Evaluator] | undefined;
  /** 1: right, 0: wrong, by record; 2: not there. */
  private readonly right: readonly [Uint8Array, Uint8Array];
  /** What the first has answered wrongly. */
  private readonly answers = new Map<number, string>();
  private readonly fixed: Flip[] = [];
  private readonly broken: Flip[] = [];
  private readonly groups: Int32Array;
  private readonly groupNumbers = new Map<string, number>();
  private onlySecond = 0;

  constructor(records: number, task: TaskName) {
    this.records = records;
    this.task = task;
    this.right = [new Uint8Array(records).fill(2), new Uint8Array(records).fill(2)];
    this.groups = new Int32Array(records);
  }

  async addFirst(record: ResultRecord): Promise<void> {
    const index = this.numbers.size;
    if (this.numbers.has(record.custom_id) || index === this.records) return;
    const verdict = await this.judge(0, index, record);
    if (!verdict) return;
    this.numbers.set(record.custom_id, index);
    this.right[0][index] = Number(verdict.right);
    this.groups[index] = this.groupOf(record.group ?? record.custom_id);
    if (!verdict.right && this.answers.size < mostAnswers) this.answers.set(index, cut(verdict.answer));
  }

  async addSecond(record: ResultRecord): Promise<void> {
    const index = this.numbers.get(record.custom_id);
    const verdict = index === undefined || this.right[1][index] !== 2 ? undefined : await this.judge(1, index, record);
    if (index === undefined || !verdict) {
      this.onlySecond += 1;
      return;
    }
    this.right[1][index] = Number(verdict.right);
    if (this.right[0][index] === Number(verdict.right) || graded.includes(this.task)) return;
    const list = verdict.right ? this.fixed : this.broken;
    if (list.length < mostFlips) list.push(this.flip(index, record, verdict));
  }

  private flip(index: number, { custom_id, source }: ResultRecord, { label, answer, right }: Verdict): Flip {
    const a = right ? (this.answers.get(index) ?? '') : cut(label);
    return { custom_id, label: cut(label), a, b: cut(answer), ...(source && { source: cut(source) }) };
  }

  private groupOf(group: string): number {
    const known = this.groupNumbers.get(group) ?? this.groupNumbers.size;
    this.groupNumbers.set(group, known);
    return known;
  }

  /** Undefined: the record has no label, or one that its answer cannot be compared with. */
  private async judge(side: 0 | 1, index: number, { label, output }: ResultRecord): Promise<Verdict | undefined> {
    if (label === undefined || label === null) return undefined;
    this.evaluators ??= this.createEvaluators(label);
    try {
      return await this.evaluators[side].add(index, label, output);
    } catch (error) {
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  }

  private createEvaluators(label: unknown): readonly [Evaluator, Evaluator] {
    const [a, b] = [0, 1].map(() => createEvaluator(this.task, this.records, label));
    if (a && b) return [a, b];
    throw new ServiceError('invalid_request', `answers of the task ${this.task} cannot be compared with labels`);
  }

  finish(seed: string): Compared {
    const both = Uint32Array.from(this.right[1].keys()).filter((index) => this.right[1][index] !== 2);
    if (!this.evaluators || both.length === 0) {
      throw new ServiceError('conflict', 'the two jobs have no labelled record in common');
    }
    const [a, b] = this.evaluators.map((one) => one.finish(this.numbers.size)) as [Evaluation, Evaluation];
    const counts = this.countRight(both);
    const records = { compared: both.length, onlyInA: this.numbers.size - both.length, onlyInB: this.onlySecond };
    return {
      records,
      ...this.difference([a, b], both, seed),
      ...(!graded.includes(this.task) && { mcnemar: { ...counts, p: mcnemar(counts.onlyA, counts.onlyB) } }),
      fixed: this.fixed,
      broken: this.broken,
    };
  }

  private countRight(both: Uint32Array) {
    const counts = { bothRight: 0, onlyA: 0, onlyB: 0, bothWrong: 0 };
    for (const index of both) {
      const [a, b] = [this.right[0][index], this.right[1][index]];
      counts[a ? (b ? 'bothRight' : 'onlyA') : b ? 'onlyB' : 'bothWrong'] += 1;
    }
    return counts;
  }

  private difference([a, b]: readonly [Evaluation, Evaluation], both: Uint32Array, seed: string) {
    const names = [valueNames(a), valueNames(b)] as const;
    const shared = names[0].filter((name) => names[1].includes(name));
    const places = names.map((own) => shared.map((name) => own.indexOf(name))) as [number[], number[]];
    const weights = new Uint16Array(this.numbers.size);
    const measureBoth = (sample: Weights) => {
      for (let i = 0; i < both.length; i++) weights[both[i]!] = sample[i]!;
      const [valuesA, valuesB] = [a.measure(weights), b.measure(weights)];
      return shared.map((_, i) => [valuesA[places[0][i]!]!, valuesB[places[1][i]!]!] as const);
    };
    const resamples = Math.round(Math.min(defaultResamples, Math.max(fewestResamples, maxReads / (a.cost + b.cost))));
    const grouped = this.groupNumbers.size < this.numbers.size;
    const groups = Int32Array.from(both, (index) => this.groups[index]!);
    const intervals = bootstrapIntervals(both.length, (sample) => measureBoth(sample).map(([x, y]) => y - x), {
      seed,
      resamples,
      confidence: defaultConfidence,
      ...(grouped && { groups: renumber(groups) }),
    });
    const values = measureBoth(new Uint8Array(both.length).fill(1));
    const differences = shared.map((name, i) => {
      const [own, other] = values[i]!;
      const { low, high } = intervals[i]!;
      const difference = { value: defined(other - own), low: defined(low), high: defined(high) };
      return [name, { a: defined(own), b: defined(other), difference }] as const;
    });
    return { resamples, ...sortOut(differences) };
  }
}

type Differences = readonly (readonly [name: string, Difference])[];

/** Metrics by name, then `[label, metric]` in JSON for those of the classes. */
function valueNames({ metrics, labels, classMetrics }: Evaluation): string[] {
  return [...metrics, ...labels.flatMap((label) => classMetrics.map((name) => JSON.stringify([label, name])))];
}

function sortOut(differences: Differences): Pick<Comparison, 'metrics' | 'classes'> {
  const classes = new Map<string, [string, Difference][]>();
  const metrics: [string, Difference][] = [];
  for (const [name, values] of differences) {
    if (!name.startsWith('[')) metrics.push([name, values]);
    else {
      const [label, metric] = JSON.parse(name) as [string, string];
      classes.set(label, [...(classes.get(label) ?? []), [metric, values]]);
    }
  }
  return {
    metrics: Object.fromEntries(metrics),
    classes: [...classes].map(([label, own]) => ({ label, metrics: Object.fromEntries(own) })),
  };
}

/** Groups counted from 0, without those that have no record. */
function renumber(groups: Int32Array): Int32Array {
  const numbers = new Map([...new Set(groups)].map((group, number) => [group, number]));
  return groups.map((group) => numbers.get(group)!);
}

function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function cut(text: string): string {
  return (text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text).toWellFormed();
}
