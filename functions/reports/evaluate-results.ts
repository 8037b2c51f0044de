import { ServiceError } from '../errors.ts';
import { bootstrapIntervals, defaultConfidence, defaultResamples } from '../evaluation/bootstrap.ts';
import { createEvaluator } from '../evaluation/create-evaluator.ts';
import type { Evaluation, Evaluator } from '../evaluation/evaluator.ts';
import { equalWeights } from '../evaluation/weights.ts';
import type { TaskName } from '../tasks/task-names.ts';
import type { ResultRecord } from './read-results.ts';
import type { Estimate, Example, Report } from './report.ts';

const mostExamples = 24;
const mostUnusable = 10;
const mostFailures = 20;
const mostCharacters = 400;
const maxKeptCharacters = 50_000;
/** Numbers that all bootstrap samples together read, and the samples that there are at least. */
const maxReads = 4e9;
const fewestResamples = 100;

export type Measured = Pick<
  Report,
  'records' | 'unusable' | 'failures' | 'intervals' | 'metrics' | 'classes' | 'details' | 'worst' | 'notes'
>;

/** A record among the worst, with its label and answer as they came where they are not large. */
export interface WorstRecord extends Example {
  readonly record: Pick<ResultRecord, 'label' | 'output'>;
}

/**
 * Metrics with intervals and the worst answers of `total` records, which come one by one and are not kept: typed arrays hold
 * what the metrics need. Undefined: answers of this task cannot be compared with labels.
 */
export async function evaluateResults(
  results: AsyncIterable<ResultRecord>,
  total: number,
  { task, seed }: { readonly task: TaskName; readonly seed: string },
): Promise<{ measured: Measured; worst: readonly WorstRecord[] } | undefined> {
  const collector = new Collector(total);
  for await (const record of results) {
    if (!(await collector.add(record, task))) return undefined;
  }
  return { measured: collector.finish(seed), worst: collector.worst };
}

class Collector {
  private evaluator: Evaluator | undefined;
  private readonly total: number;
  private count = 0;
  private failed = 0;
  private unlabelled = 0;
  private unusableCount = 0;
  private readonly unusable: { custom_id: string; reason: string }[] = [];
  private readonly failures = new Map<string, { message: string; count: number }>();
  readonly worst: WorstRecord[] = [];
  private readonly groups: Int32Array;
  private readonly groupNumbers = new Map<string, number>();
  private groupCount = 0;

  constructor(total: number) {
    this.total = total;
    this.groups = new Int32Array(total);
  }

  /** False: the task has no evaluator. */
  async add(record: ResultRecord, task: TaskName): Promise<boolean> {
    const { custom_id, label, output, error } = record;
    if (error) this.countFailure(error);
    if (label === undefined || label === null) {
      this.unlabelled += 1;
      return true;
    }
    this.evaluator ??= createEvaluator(task, this.total, label);
    if (!this.evaluator) return false;
    try {
      const verdict = await this.evaluator.add(this.count, label, output);
      this.groups[this.count] = this.groupOf(record.group);
      this.count += 1;
      if (error) this.failed += 1;
      this.keepWorst(record, verdict);
    } catch (reason) {
      if (!(reason instanceof ServiceError)) throw reason;
      this.unusableCount += 1;
      if (this.unusable.length < mostUnusable) this.unusable.push({ custom_id, reason: reason.message });
    }
    return true;
  }

  private countFailure({ code, message }: { code: string; message: string }): void {
    const known = this.failures.get(code);
    if (known) known.count += 1;
    else if (this.failures.size < mostFailures) this.failures.set(code, { message: cut(message), count: 1 });
  }

  /** A record without a group is one by itself. */
  private groupOf(group: string | undefined): number {
    if (group === undefined) return this.groupCount++;
    const known = this.groupNumbers.get(group) ?? this.groupCount++;
    this.groupNumbers.set(group, known);
    return known;
  }

  private keepWorst(record: ResultRecord, verdict: { loss: number; label: string; answer: string }): void {
    const { loss, label, answer } = verdict;
    const last = this.worst.at(-1);
    if (loss <= 0 || (this.worst.length === mostExamples && last && loss <= last.loss)) return;
    const { custom_id, chunk, source } = record;
    const example = {
      ...{ custom_id, chunk, label: cut(label), answer: cut(answer), loss, ...(source && { source: cut(source) }) },
      record: isLarge(record.output) ? {} : { label: record.label, output: record.output },
    };
    const place = this.worst.findIndex((other) => other.loss < loss);
    this.worst.splice(place < 0 ? this.worst.length : place, 0, example);
    this.worst.length = Math.min(this.worst.length, mostExamples);
  }

  finish(seed: string): Measured {
    const evaluation = this.evaluator?.finish(this.count);
    const grouped = this.groupNumbers.size > 0;
    const resamples = Math.round(
      Math.min(defaultResamples, Math.max(fewestResamples, maxReads / Math.max(1, evaluation?.cost ?? 1))),
    );
    const intervals = {
      method: 'percentile bootstrap' as const,
      confidence: defaultConfidence,
      resamples,
      unit: grouped ? ('group' as const) : ('record' as const),
      units: grouped ? this.groupCount : this.count,
      seed,
    };
    const groups = grouped ? this.groups.subarray(0, this.count) : undefined;
    const values = evaluation && this.count > 0 ? estimate(evaluation, this.count, { seed, resamples, groups }) : [];
    return {
      records: {
        total: this.total,
        evaluated: this.count,
        failed: this.failed,
        unlabelled: this.unlabelled,
        unusable: this.unusableCount,
      },
      unusable: this.unusable,
      failures: [...this.failures].map(([code, failure]) => ({ code, ...failure })),
      intervals,
      ...(evaluation ? nameValues(evaluation, values) : { metrics: {}, classes: [], details: {} }),
      worst: this.worst.map(({ record, ...example }) => example),
      notes: [...(evaluation?.notes ?? [])],
    };
  }
}

function estimate(
  { measure }: Evaluation,
  count: number,
  options: { seed: string; resamples: number; groups: Int32Array | undefined },
): Estimate[] {
  const { groups, ...others } = options;
  const intervals = bootstrapIntervals(count, measure, { ...others, ...(groups && { groups }) });
  return Array.from(measure(equalWeights(count)), (value, i) => ({
    value: defined(value),
    low: defined(intervals[i]!.low),
    high: defined(intervals[i]!.high),
  }));
}

function nameValues(evaluation: Evaluation, values: readonly Estimate[]) {
  const { metrics, labels, classMetrics, support, details } = evaluation;
  const named = (names: readonly string[], from: number) =>
    Object.fromEntries(names.flatMap((name, i) => (values[from + i] ? [[name, values[from + i]!]] : [])));
  const calibration = details.calibration?.map(({ count, confidence, accuracy }) => ({
    count,
    confidence: defined(confidence),
    accuracy: defined(accuracy),
  }));
  return {
    metrics: named(metrics, 0),
    classes: labels.map((label, i) => ({
      label,
      support: defined(support[i]!),
      metrics: named(classMetrics, metrics.length + i * classMetrics.length),
    })),
    details: { ...details, ...(calibration && { calibration }) },
  };
}

function isLarge(output: unknown): boolean {
  return JSON.stringify(output ?? null).length > maxKeptCharacters;
}

function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function cut(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1).toWellFormed()}…` : text.toWellFormed();
}
