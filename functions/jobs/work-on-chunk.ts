import { ServiceError } from '../errors.ts';
import { NoAnswer } from '../no-answer.ts';
import type { Services } from '../services.ts';
import { type Advancing, advanceJob } from './advance-job.ts';
import type { Job } from './job.ts';
import { isFinished, isGivenUp } from './job-chunk.ts';
import { readPlan } from './job-chunks.ts';
import { HostAway } from './patience.ts';
import { SourceGone } from './read-records.ts';
import { type Running, runChunk } from './run-chunk.ts';

export type Working = Running &
  Advancing &
  Pick<Services, 'findJobChunk' | 'updateJobChunk' | 'claim' | 'releaseClaim'>;

export interface ChunkMessage {
  readonly job: string;
  readonly attempt: number;
  readonly chunk: number;
  /** The first message of those that go on with one another's work; absent: this one. They are one owner of a claim. */
  readonly owner?: string | undefined;
}

/** Between the deadline and the function's end. */
const claimMarginMilliseconds = 15_000;

/**
 * Runs a chunk of a job, unless that is done, is no longer asked for, or is being done by another message; then brings the
 * job on. What may succeed later is thrown.
 */
export async function workOnChunk(
  message: ChunkMessage,
  messageId: string,
  effects: Working,
  deadline: number,
): Promise<void> {
  const job = await effects.findJob(message.job);
  if (!job) throw new ServiceError('not_found', `there is no job '${message.job}'`);
  if (job.attempt !== message.attempt) return;
  if (await isDue(job, message.chunk, effects)) {
    const claimed = `chunk ${message.chunk} ${job.job} ${job.attempt}`;
    const owner = message.owner ?? messageId;
    const claim = await effects.claim(claimed, owner, deadline + claimMarginMilliseconds);
    // Held by another owner: a message of that one comes until the chunk is done.
    if (claim === undefined) return;
    const complete = await work(job, { ...message, claim }, effects, deadline).finally(() =>
      effects.releaseClaim(claimed, claim),
    );
    if (!complete) return await effects.sendWork('run-batch', [{ ...message, owner }]);
  }
  const after = await effects.findJob(job.job);
  // A later attempt is brought on by its own messages: this one would not come again for it.
  if (after?.attempt === message.attempt) await advanceJob(after, effects);
}

async function isDue(job: Job, chunk: number, { findJobChunk }: Working): Promise<boolean> {
  if (chunk >= (job.plan?.chunks ?? 0)) throw new ServiceError('not_found', `job ${job.job} has no chunk ${chunk}`);
  const known = await findJobChunk(job.job, chunk);
  if (job.status === 'FAILED') return known !== undefined && isGivenUp(known, job);
  return job.status === 'RUNNING' && !(known && isFinished(known, job));
}

/** False: the time is over before the chunk is done. */
async function work(
  job: Job,
  { chunk, claim }: ChunkMessage & { claim: number },
  effects: Working,
  deadline: number,
): Promise<boolean> {
  try {
    const plan = await readPlan(job, effects);
    const done = await runChunk({ job, plan, chunk, claim }, effects, deadline);
    if (!done) return false;
    const finishedAt = new Date().toISOString();
    await effects.updateJobChunk(job.job, chunk, (current) => {
      if (current.done && current.done.attempt >= done.attempt) return current;
      return { ...current, done: { ...done, finishedAt } };
    });
  } catch (error) {
    if (!isFinal(error)) throw error;
    await giveUpChunk({ job: job.job, attempt: job.attempt, chunk }, (error as Error).message, effects);
  }
  return true;
}

/** It would fail the next time too. */
function isFinal(error: unknown): boolean {
  return error instanceof SourceGone || (error instanceof ServiceError && !error.retryable);
}

/** The chunk's message does not come again: the job goes on without it, and ends as FAILED with the reason. */
export async function giveUpChunk(
  { job, attempt, chunk }: ChunkMessage,
  reason: string,
  { updateJobChunk }: Pick<Services, 'updateJobChunk'>,
): Promise<void> {
  await updateJobChunk(job, chunk, (current) =>
    (current.givenUp?.attempt ?? 0) > attempt ? current : { ...current, givenUp: { attempt, reason } },
  );
}

/** What a person is told of an error that was not foreseen. */
export function renderReason(error: unknown): string {
  if (error instanceof ServiceError || error instanceof HostAway || error instanceof NoAnswer) return error.message;
  return 'an unexpected error occurred; `npm run dead-letters -- list` has it';
}
