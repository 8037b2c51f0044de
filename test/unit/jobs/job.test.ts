import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInput } from '../../../functions/http/parse-input.ts';
import { jobRequestSchema, jobSchema } from '../../../functions/jobs/job.ts';
import { errorLineSchema, resultLineSchema } from '../../../functions/jobs/result-lines.ts';
import { resultsManifestSchema } from '../../../functions/jobs/results-manifest.ts';

test('a request names a model or an endpoint, and a data set or an input', () => {
  for (const request of [
    { model: 'digits', dataset: 'mnist' },
    { model: { model: 'digits', version: '2' }, dataset: 'mnist', split: 'all', maxErrorsPercent: 0 },
    { model: 'sentiment@next', input: 'raw/reviews.jsonl', parameters: { top_k: 1 }, maxRecords: 10 },
    { endpoint: '/v1/embeddings', input: 'files/batch.jsonl', metadata: { project: 'x' } },
  ]) {
    assert.deepEqual(parseInput(jobRequestSchema, request), request);
  }
});

test('a request that cannot be is refused with what is allowed', () => {
  for (const [request, message] of [
    [{ dataset: 'mnist' }, /either model or endpoint is needed/],
    [{ model: 'digits' }, /either dataset or input is needed/],
    [{ model: 'digits', dataset: 'a', input: 'raw/a.jsonl' }, /either dataset or input is needed/],
    [{ model: 'digits', input: 'results/a.jsonl' }, /^input is "results\/a.jsonl": a key .* under raw\//],
    [{ model: 'digits', input: 'raw/a', split: 'test' }, /split goes with dataset only/],
    [{ model: 7, input: 'raw/a' }, /^model is 7/],
    [{ model: 'digits', dataset: 'a', maxErrorsPercent: 101 }, /^maxErrorsPercent is 101: a number from 0 to 100/],
    [{ model: 'digits', dataset: 'a', maxRecords: 0 }, /^maxRecords is 0: a whole number from 1/],
    [{ model: 'digits', dataset: 'a', typo: 1 }, /unknown field 'typo'/],
    [{ endpoint: '/v1/embeddings', dataset: 'a' }, /endpoint goes with input alone/],
  ] as const) {
    assert.throws(
      () => parseInput(jobRequestSchema, request),
      { code: 'invalid_request', message },
      JSON.stringify(request),
    );
  }
});

test('a job, its manifest and its lines are read as they are written', () => {
  const plan = { model: 'm', modelVersion: '1', task: 'text-classification' as const, labelled: true, parameters: {} };
  const times = { createdAt: '2026-11-27T05:00:00.000Z', finishedAt: '2026-11-27T05:01:00.000Z' };
  const dataset = { name: 'd', run: '0123456789abcdef', split: 'test' };
  const job = {
    ...{ job: 'j', status: 'COMPLETED' as const, ...times, attempt: 1, retrySince: 0, dispatched: 1, revision: 4 },
    plan: { ...plan, dataset, records: 2, chunks: 1 },
    counts: { succeeded: 1, failed: 1, chunks: 1 },
  };
  assert.deepEqual(jobSchema.parse(job), job);
  const shards = [{ key: 'prepared/d/0123456789abcdef/test-00000.jsonl', records: 2 }];
  const part = { chunk: 0, key: 'results/j/part-00000.jsonl', records: 1, bytes: 20, sha256: 'a'.repeat(64) };
  const manifest = {
    ...{ ...plan, job: 'j', status: 'COMPLETED' as const, attempt: 1, ...times, dataset: { ...dataset, shards } },
    ...{ counts: { total: 2, succeeded: 1, failed: 1 }, parts: [part], errors: 'results/j/errors.jsonl' },
  };
  assert.deepEqual(resultsManifestSchema.parse(manifest), manifest);
  const result = { custom_id: 'a', output: [{ label: 'x', score: 1 }], label: 'x', source: 'raw/d/a.txt' };
  assert.deepEqual(resultLineSchema.parse(result), result);
  const error = { custom_id: 'b', error: { code: 'invalid_request', message: 'no' }, chunk: 0, record: 1 };
  assert.deepEqual(errorLineSchema.parse(error), error);
});
