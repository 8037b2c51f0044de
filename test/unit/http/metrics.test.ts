import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceError } from '../../../functions/errors.ts';
import type { GenerationEvent, GenerationRequest } from '../../../functions/generation/generation.ts';
import { countInferences, statistics } from '../../../functions/http/count-inferences.ts';
import { logInference } from '../../../functions/http/inference-metrics.ts';
import { renderMetrics } from '../../../functions/http/metrics.ts';
import type { Inference } from '../../../functions/http/model-statistics.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import type { Services } from '../../../functions/services.ts';

const model = (name: string) =>
  modelVersionSchema.parse({ manifest: { name, version: '2', maxBatchSize: 8, files: {} }, inputs: [], outputs: [] });
const request = { inputs: [createTensor('x', 'FP32', [3, 1], new Float32Array(3))] };
const end: GenerationEvent = { kind: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 1 };
const delta: GenerationEvent = { kind: 'delta', text: 'a' };

function count(outcome: () => unknown, events: GenerationEvent[] = []) {
  const seen: Inference[] = [];
  const services = {
    infer: async () => outcome(),
    async *generate() {
      yield* events;
      if (events.length === 0) outcome();
    },
  } as unknown as Services;
  return { seen, counted: countInferences(services, (_model, inference) => seen.push(inference)) };
}

test('runs count rows and durations, also those that share a run; failures count by their reason', async () => {
  const timings = { queueNs: 2000, computeNs: 5000, batchSize: 2 };
  const { counted } = count(() => ({ response: {}, timings }));
  for (let i = 0; i < 2; i++) await counted.infer(model('counted'), request, 0);
  for (const code of ['throttled', 'model_failed', 'internal'] as const) {
    const { counted: failing } = count(() => {
      throw new ServiceError(code, 'no');
    });
    await assert.rejects(failing.infer(model('counted'), request, 0), { code });
  }
  const { inference_count, execution_count, inference_stats, batch_stats } = statistics.render('counted', '2') as {
    inference_stats: Record<string, { count: number; ns: number }>;
  } & Record<string, unknown>;
  const { success, fail, queue, compute_infer } = inference_stats;
  assert.deepEqual([inference_count, execution_count, success?.count, fail?.count], [6, 1, 2, 3]);
  assert.deepEqual(
    [queue, compute_infer],
    [
      { count: 2, ns: 4000 },
      { count: 2, ns: 10_000 },
    ],
  );
  assert.ok(success!.ns > 0 && success!.ns < 1e10);
  assert.equal((batch_stats as { batch_size: number }[])[0]?.batch_size, 2);
  const text = renderMetrics(statistics, { used: 1, total: 2 });
  const value = (name: string, more = '') =>
    new RegExp(`^${name}\\{model="counted",version="2"${more}\\} (\\S+)$`, 'm').exec(text)?.[1];
  assert.equal(value('nv_inference_request_success'), '2');
  assert.equal(value('nv_inference_count'), '6');
  assert.equal(value('nv_inference_exec_count'), '1');
  assert.equal(value('nv_inference_queue_duration_us'), '4');
  const reasons = ['REJECTED', 'BACKEND', 'OTHER', 'CANCELED'].map((reason) =>
    value('nv_inference_request_failure', `,reason="${reason}"`),
  );
  assert.deepEqual(reasons, ['1', '1', '1', '0']);
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [\d.e+-]+)$/);
});

test('a generation counts when it has come to its end; one that is stopped was cancelled', async () => {
  const { counted, seen } = count(() => undefined, [delta, end]);
  const generation = {} as GenerationRequest;
  for await (const _ of counted.generate(model('words'), generation, 0));
  for await (const _ of counted.generate(model('words'), generation, 0)) break;
  const failing = count(() => {
    throw new ServiceError('host_unavailable', 'gone');
  });
  await assert.rejects(failing.counted.generate(model('words'), generation, 0).next(), { code: 'host_unavailable' });
  assert.deepEqual(
    [...seen, ...failing.seen].map(({ failed }) => failed),
    [undefined, 'CANCELED', 'BACKEND'],
  );
});

test('an inference is one line of the log that CloudWatch takes for metrics', (t) => {
  const log = t.mock.method(console, 'log', () => {});
  const timings = { queueNs: 1e6, computeNs: 2e6, batchSize: 1 };
  logInference('Lambent', model('m'), { endedAt: 0, durationMs: 4, rows: 3, timings });
  logInference('Lambent', model('m'), { endedAt: 0, durationMs: 4, rows: 3, failed: 'OTHER' });
  const lines = log.mock.calls.map(({ arguments: [line] }) => JSON.parse(line) as Record<string, unknown>);
  const [{ _aws, ...values }, failed] = lines as [Record<string, unknown>, Record<string, unknown>];
  assert.deepEqual(values, {
    Model: 'm',
    Version: '2',
    InferenceRequestSuccess: 1,
    InferenceRequestFailure: 0,
    InferenceCount: 3,
    RequestDuration: 4,
    QueueDuration: 1,
    ComputeInferDuration: 2,
  });
  const { Timestamp, CloudWatchMetrics } = _aws as { Timestamp: number; CloudWatchMetrics: Record<string, unknown>[] };
  assert.ok(Math.abs(Timestamp - Date.now()) < 60_000);
  const [{ Namespace, Dimensions, Metrics }] = CloudWatchMetrics as [Record<string, unknown>];
  assert.deepEqual([Namespace, Dimensions], ['Lambent', [['Model', 'Version']]]);
  assert.deepEqual(
    (Metrics as { Name: string }[]).map(({ Name }) => Name),
    Object.keys(values).slice(2),
  );
  assert.deepEqual([failed.InferenceRequestFailure, 'RequestDuration' in failed], [1, false]);
});
