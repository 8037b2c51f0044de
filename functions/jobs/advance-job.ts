import type { Services } from '../services.ts';
import { type Finishing, finishJob } from './finish-job.ts';
import type { Job } from './job.ts';
import { countRecords, isFinished, isGivenUp, type JobChunk, stands } from './job-chunk.ts';

export type Advancing = Finishing & Pick<Services, 'sendWork'>;

/** Does what a job is due for: sends its chunks to the queue, stops it, ends it. May run any number of times. */
export async function advanceJob(job: Job, effects: Advancing): Promise<void> {
  const current = isRunning(job) ? await settle(job, effects) : job;
  // A later attempt is ended by its own messages: this one would not come again for it.
  if (current?.attempt !== job.attempt) return;
  if (current.status === 'FINISHING' || current.status === 'CANCELLING') await finishJob(current, effects);
}

/** Chunks that were given up and are sent again by a redrive are run, though the job has ended without them. */
function isRunning({ status }: Job): boolean {
  return status === 'RUNNING' || status === 'FAILED';
}

async function settle(job: Job, effects: Advancing): Promise<Job | undefined> {
  const chunks = await effects.listJobChunks(job.job);
  if (job.status === 'RUNNING' && job.dispatched < job.attempt) await dispatch(job, chunks, effects);
  const reason = reasonToStop(job, chunks);
  const settled = chunks.filter((chunk) => isFinished(chunk, job) || isGivenUp(chunk, job)).length;
  const ended = settled === job.plan?.chunks || (reason !== undefined && !reason.givenUp);
  if (!ended || (job.status === 'FAILED' && reason)) return job;
  return await effects.updateJob(job.job, (current) => {
    if (current?.attempt !== job.attempt || current.status !== job.status) return current;
    const { reason: _, ...rest } = current;
    return { ...rest, status: 'FINISHING', ...(reason && { reason: reason.text }) };
  });
}

/** Every chunk that is not finished becomes a message. */
async function dispatch(job: Job, chunks: readonly JobChunk[], effects: Advancing): Promise<void> {
  const finished = new Set(chunks.filter((chunk) => isFinished(chunk, job)).map(({ chunk }) => chunk));
  const all = Array.from({ length: job.plan?.chunks ?? 0 }, (_, chunk) => chunk);
  const messages = all
    .filter((chunk) => !finished.has(chunk))
    .map((chunk) => ({ job: job.job, attempt: job.attempt, chunk }));
  await effects.sendWork('run-batch', messages);
  await effects.updateJob(job.job, (current) =>
    current && current.dispatched < job.attempt ? { ...current, dispatched: job.attempt } : current,
  );
}

function reasonToStop(job: Job, chunks: readonly JobChunk[]): { text: string; givenUp: boolean } | undefined {
  const { failed } = countRecords(chunks.filter(({ done }) => done && stands(done, job)));
  const { records = 0 } = job.plan ?? {};
  const most = job.request?.maxErrorsPercent;
  if (most !== undefined && failed * 100 > most * records) {
    const text = `${failed} of ${records} records have failed; maxErrorsPercent is ${most}`;
    return { text, givenUp: false };
  }
  const given = chunks.filter((chunk) => isGivenUp(chunk, job));
  if (given.length === 0) return undefined;
  const text = `${given.length} of ${job.plan?.chunks} chunks could not be run: ${given[0]!.givenUp!.reason}`;
  return { text, givenUp: true };
}
