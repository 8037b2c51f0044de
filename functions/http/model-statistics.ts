import type { InferTimings } from '../services.ts';

interface Duration {
  count: number;
  ns: number;
}

interface Counters {
  lastInference: number;
  inferences: number;
  /** A run that this request shared with others counts by its share. */
  executions: number;
  success: Duration;
  fail: Duration;
  /** Failed requests by Triton's reasons. */
  failures: Record<FailureReason, number>;
  queue: Duration;
  compute: Duration;
  /** By the number of requests in a run. */
  batches: Map<number, { executions: number; ns: number }>;
}

/** Why a request failed, in Triton's words. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';

/** One request for a model, as its statistics count it. */
export interface Inference {
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  readonly durationMs: number;
  /** Rows that it had, where the model has a batch dimension. */
  readonly rows: number;
  /** Absent: it failed, or its host tells none. */
  readonly timings?: InferTimings | undefined;
  readonly failed?: FailureReason;
}

/**
 * Counts of this instance since it started, in Triton's form. Input and output copies are part of the model hosts'
 * compute time and not measured apart, so their counts stay 0.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
 */
export class ModelStatistics {
  readonly #counters = new Map<string, Counters>();

  add(name: string, version: string, { endedAt, durationMs, rows, timings, failed }: Inference): void {
    const counters = this.#read(name, version);
    addDuration(failed ? counters.fail : counters.success, durationMs * 1e6);
    counters.lastInference = endedAt;
    if (failed) {
      counters.failures[failed] += 1;
      return;
    }
    counters.inferences += rows;
    const share = 1 / (timings?.batchSize ?? 1);
    counters.executions += share;
    if (!timings) return;
    addDuration(counters.queue, timings.queueNs);
    addDuration(counters.compute, timings.computeNs);
    const batch = counters.batches.get(timings.batchSize) ?? { executions: 0, ns: 0 };
    counters.batches.set(timings.batchSize, {
      executions: batch.executions + share,
      ns: batch.ns + timings.computeNs * share,
    });
  }

  /** In the order in which they were asked first. */
  list(): (Readonly<Counters> & { name: string; version: string })[] {
    return [...this.#counters].map(([key, counters]) => {
      const [name, version] = key.split('/') as [string, string];
      return { name, version, ...counters };
    });
  }

  /** One element of `model_stats`. */
  render(name: string, version: string): object {
    const counters = this.#counters.get(`${name}/${version}`) ?? createCounters();
    const { lastInference, inferences, executions, success, fail, queue, compute, batches } = counters;
    return {
      name,
      version,
      last_inference: lastInference,
      inference_count: inferences,
      execution_count: Math.round(executions),
      inference_stats: {
        success: renderDuration(success),
        fail: renderDuration(fail),
        queue: renderDuration(queue),
        compute_input: noDuration,
        compute_infer: renderDuration(compute),
        compute_output: noDuration,
        cache_hit: noDuration,
        cache_miss: noDuration,
      },
      batch_stats: [...batches].map(([batchSize, batch]) => ({
        batch_size: batchSize,
        compute_input: noDuration,
        compute_infer: renderDuration({ count: batch.executions, ns: batch.ns }),
        compute_output: noDuration,
      })),
    };
  }

  #read(name: string, version: string): Counters {
    const key = `${name}/${version}`;
    const counters = this.#counters.get(key) ?? createCounters();
    this.#counters.set(key, counters);
    return counters;
  }
}

const noDuration = { count: 0, ns: 0 };

function createCounters(): Counters {
  const zero = () => ({ count: 0, ns: 0 });
  return {
    lastInference: 0,
    inferences: 0,
    executions: 0,
    success: zero(),
    fail: zero(),
    failures: { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 },
    queue: zero(),
    compute: zero(),
    batches: new Map(),
  };
}

function addDuration(duration: Duration, ns: number): void {
  duration.count += 1;
  duration.ns += ns;
}

function renderDuration({ count, ns }: Duration): Duration {
  return { count: Math.round(count), ns: Math.round(ns) };
}
