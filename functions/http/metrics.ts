import { freemem, totalmem } from 'node:os';
import { statistics } from './count-inferences.ts';
import type { HttpResponse, Route } from './http.ts';
import type { FailureReason, ModelStatistics } from './model-statistics.ts';

/** What Prometheus reads: counts of this instance since it started. */
export const metricsRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Counts and durations of this instance, for Prometheus',
    errorFormat: 'hugging-face',
    handle: readMetrics,
  },
];

async function readMetrics(): Promise<HttpResponse> {
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
  return { status: 200, headers, body: renderMetrics(statistics, { used: totalmem() - freemem(), total: totalmem() }) };
}

type Counted = ReturnType<ModelStatistics['list']>[number];

const counters: Readonly<Record<string, [help: string, value: (model: Counted) => number]>> = {
  nv_inference_request_success: ['Requests that were answered', ({ success }) => success.count],
  nv_inference_count: ['Inferences performed: a batch of n rows counts n', ({ inferences }) => inferences],
  nv_inference_exec_count: ['Runs of the model; several requests may share one', ({ executions }) => executions],
  nv_inference_request_duration_us: ['Sum of the durations of answered requests', ({ success }) => success.ns / 1e3],
  nv_inference_queue_duration_us: ['Sum of the time that requests waited for a run', ({ queue }) => queue.ns / 1e3],
  nv_inference_compute_infer_duration_us: ['Sum of the time of the runs', ({ compute }) => compute.ns / 1e3],
};

/**
 * Prometheus' text format, with Triton's names. What the model hosts do not measure apart is left out.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md
 */
export function renderMetrics(counted: ModelStatistics, memoryBytes: { used: number; total: number }): string {
  const models = counted.list();
  const lines = Object.entries(counters).flatMap(([name, [help, value]]) => [
    ...head(name, help, 'counter'),
    ...models.map((model) => `${name}{${labels(model)}} ${value(model)}`),
  ]);
  const failure = 'nv_inference_request_failure';
  lines.push(...head(failure, 'Requests that failed, by reason', 'counter'));
  for (const model of models) {
    for (const reason of Object.keys(model.failures) as FailureReason[]) {
      lines.push(`${failure}{${labels(model)},reason="${reason}"} ${model.failures[reason]}`);
    }
  }
  for (const [name, help, value] of [
    ['nv_cpu_memory_total_bytes', 'Memory of the machine', memoryBytes.total],
    ['nv_cpu_memory_used_bytes', 'Memory of the machine in use', memoryBytes.used],
  ] as const) {
    lines.push(...head(name, help, 'gauge'), `${name} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function head(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Names of models and versions need no escaping: their patterns allow no quote, backslash or line break. */
function labels({ name, version }: Counted): string {
  return `model="${name}",version="${version}"`;
}
