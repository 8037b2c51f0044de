import { type Batch, batchSeconds } from '../files/batch.ts';
import type { JobStatus } from '../jobs/read-job.ts';

type Status =
  | 'validating'
  | 'in_progress'
  | 'finalizing'
  | 'cancelling'
  | 'completed'
  | 'cancelled'
  | 'expired'
  | 'failed';

const statuses: Record<JobStatus['status'], Status> = {
  PLANNING: 'validating',
  RUNNING: 'in_progress',
  FINISHING: 'finalizing',
  CANCELLING: 'cancelling',
  COMPLETED: 'completed',
  CANCELLED: 'cancelled',
  FAILED: 'failed',
};

/** OpenAI's Batch. `job`: absent where none was made. */
export function renderBatch(batch: Batch, job: JobStatus | undefined) {
  const status = statusOf(batch, job);
  const ended = batch.publishedAt ?? seconds(job?.finishedAt);
  const { total, succeeded, failed } = job?.counts ?? { total: 0, succeeded: 0, failed: 0 };
  const reason = status === 'failed' ? withoutKeys(job?.reason ?? 'the batch could not be begun') : undefined;
  const stopped = batch.cancelledAt !== undefined && status !== 'expired';
  return {
    ...{ id: batch.id, object: 'batch', endpoint: batch.endpoint, input_file_id: batch.inputFile },
    ...{ completion_window: '24h', status, created_at: batch.createdAt },
    expires_at: batch.createdAt + batchSeconds,
    ...(reason !== undefined && {
      errors: {
        object: 'list',
        data: job?.problems ?? [{ code: 'invalid_request', message: reason, param: null, line: null }],
      },
    }),
    ...(batch.outputFile !== undefined && { output_file_id: batch.outputFile }),
    ...(batch.errorFile !== undefined && { error_file_id: batch.errorFile }),
    ...times({
      in_progress_at: seconds(job?.startedAt),
      finalizing_at: job?.problems ? undefined : seconds(job?.finishedAt),
      completed_at: status === 'completed' ? ended : undefined,
      failed_at: status === 'failed' ? (ended ?? batch.createdAt) : undefined,
      expired_at: status === 'expired' ? batch.cancelledAt : undefined,
      cancelling_at: stopped ? batch.cancelledAt : undefined,
      cancelled_at: status === 'cancelled' ? ended : undefined,
    }),
    request_counts: { total, completed: succeeded, failed },
    metadata: batch.metadata ?? null,
  };
}

/** A batch has ended when its files are there. */
function statusOf(batch: Batch, job: JobStatus | undefined): Status {
  if (!job) return 'failed';
  if (job.status === 'FINISHING' && !job.plan) return 'validating';
  const status = statuses[job.status];
  const late = batch.cancelledAt !== undefined && batch.cancelledAt >= batch.createdAt + batchSeconds;
  if (status === 'cancelled' && batch.publishedAt === undefined) return 'cancelling';
  if (status === 'cancelled' && late) return 'expired';
  const hasFiles = status === 'completed' || (status === 'failed' && job.plan !== undefined);
  return hasFiles && batch.publishedAt === undefined ? 'finalizing' : status;
}

/** Callers know a file by its id, not by where it lies. */
function withoutKeys(reason: string): string {
  return reason.replaceAll(/'files\/[^']*?([^'/]+)'/g, 'file $1');
}

function seconds(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000);
}

function times(all: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== undefined));
}
