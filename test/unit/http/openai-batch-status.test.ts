import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Batch, batchSeconds } from '../../../functions/files/batch.ts';
import { renderBatch } from '../../../functions/http/openai-batch-status.ts';
import type { JobStatus } from '../../../functions/jobs/read-job.ts';

const batch: Batch = { id: 'batch_1', revision: 1, createdAt: 1000, inputFile: 'file-1', endpoint: '/v1/embeddings' };
const job = (status: JobStatus['status'], more: Partial<JobStatus> = {}): JobStatus => ({
  ...{ job: 'batch-1', status, createdAt: '1970-01-01T00:16:40Z', attempt: 1 },
  ...{ counts: { total: 3, succeeded: 1, failed: 2 }, chunks: { total: 1, done: 1, givenUp: 0 } },
  ...more,
});
const ended = { finishedAt: '1970-01-01T00:20:00Z' };

test('a batch has ended only when its files are there', () => {
  const published = { ...batch, publishedAt: 1300, outputFile: 'file-2', errorFile: 'file-3' };
  const statuses = [
    renderBatch(batch, job('PLANNING')),
    renderBatch(batch, job('RUNNING')),
    renderBatch(batch, job('COMPLETED', ended)),
    renderBatch(published, job('COMPLETED', ended)),
    renderBatch({ ...batch, cancelledAt: 1100 }, job('CANCELLED', ended)),
    renderBatch({ ...published, cancelledAt: 1100 }, job('CANCELLED', ended)),
    renderBatch({ ...published, cancelledAt: 1000 + batchSeconds }, job('CANCELLED', ended)),
    renderBatch(batch, job('FINISHING')),
    renderBatch(batch, undefined),
  ].map(({ status }) => status);
  const expected = 'validating in_progress finalizing completed cancelling cancelled expired validating failed';
  assert.deepEqual(statuses, expected.split(' '));
});

test('a batch tells its counts, its times and why it failed', () => {
  const done = renderBatch({ ...batch, publishedAt: 1300, outputFile: 'file-2' }, job('COMPLETED', ended));
  assert.deepEqual(done, {
    ...{
      id: 'batch_1',
      object: 'batch',
      endpoint: '/v1/embeddings',
      input_file_id: 'file-1',
      completion_window: '24h',
    },
    ...{ status: 'completed', created_at: 1000, expires_at: 1000 + batchSeconds, output_file_id: 'file-2' },
    ...{ finalizing_at: 1200, completed_at: 1300, metadata: null },
    request_counts: { total: 3, completed: 1, failed: 2 },
  });
  const failed: Record<string, unknown> & ReturnType<typeof renderBatch> = renderBatch(
    batch,
    job('FAILED', { ...ended, reason: 'too many records' }),
  );
  assert.equal(failed.errors?.data[0]?.message, 'too many records');
  assert.deepEqual([failed.failed_at, 'completed_at' in failed], [1200, false]);
  const problems = [{ code: 'duplicate_custom_id', message: 'twice', param: 'custom_id', line: 2 }];
  const refused = renderBatch(batch, job('FAILED', { ...ended, reason: 'line 2: twice', problems }));
  assert.deepEqual(refused.errors, { object: 'list', data: problems });
});
