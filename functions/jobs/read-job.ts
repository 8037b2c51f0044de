import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { type Job, jobSchema } from './job.ts';
import { countRecords, isFinished, isGivenUp, type JobChunk } from './job-chunk.ts';

const count = z.int().min(0);

/** A job as callers see it. */
export const jobStatusSchema = z.object({
  ...jobSchema.pick({ job: true, status: true, reason: true, createdAt: true, startedAt: true, finishedAt: true })
    .shape,
  ...jobSchema.pick({ owner: true, attempt: true, request: true, plan: true, problems: true }).shape,
  counts: z.object({ total: count, succeeded: count, failed: count }),
  chunks: z.object({ total: count, done: count, givenUp: count }),
  /** Of the attempt that runs; absent until its first chunk is done. */
  recordsPerSecond: z.number().optional(),
  secondsLeft: z.int().optional(),
});

export type JobStatus = z.infer<typeof jobStatusSchema>;

/** Throws not_found. */
export async function readJob(
  name: string,
  { findJob, listJobChunks }: Pick<Services, 'findJob' | 'listJobChunks'>,
): Promise<JobStatus> {
  const job = await findJob(name);
  if (!job) throw new ServiceError('not_found', `there is no job '${name.slice(0, 100)}'`);
  return describeJob(job, await listJobChunks(name), new Date());
}

/** The latest first. `next` asks for the page after, as `before`. */
export async function listJobs(
  page: Parameters<Services['listJobs']>[0],
  effects: Pick<Services, 'listJobs' | 'listJobChunks'>,
): Promise<{ jobs: JobStatus[]; next?: string }> {
  const { jobs, next } = await effects.listJobs(page);
  const now = new Date();
  const described = jobs.map(async (job) => {
    // A job that has ended knows its counts.
    return describeJob(job, job.counts ? [] : await effects.listJobChunks(job.job), now);
  });
  return { jobs: await Promise.all(described), ...(next !== undefined && { next }) };
}

export function describeJob(job: Job, chunks: readonly JobChunk[], now: Date): JobStatus {
  const { owner, plan, counts, request, reason, problems, startedAt, finishedAt } = job;
  const { chunks: total = 0, records = 0 } = plan ?? {};
  const done = counts?.chunks ?? chunks.filter((chunk) => isFinished(chunk, job)).length;
  const { succeeded, failed } = counts ?? countRecords(chunks);
  return {
    ...{ job: job.job, status: job.status, createdAt: job.createdAt, attempt: job.attempt },
    ...(owner !== undefined && { owner }),
    ...(reason !== undefined && { reason }),
    ...(problems && { problems }),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(request && { request }),
    ...(plan && { plan }),
    counts: { total: records, succeeded, failed },
    chunks: { total, done, givenUp: chunks.filter((chunk) => isGivenUp(chunk, job)).length },
    ...(job.status === 'RUNNING' && measure(job, chunks, now)),
  };
}

/** Rate and time left, by what this attempt has done. */
function measure(
  job: Job,
  chunks: readonly JobChunk[],
  now: Date,
): { recordsPerSecond?: number; secondsLeft?: number } | undefined {
  const seconds = (now.getTime() - Date.parse(job.startedAt ?? job.createdAt)) / 1000;
  const ofAttempt = countRecords(chunks.filter(({ done }) => done?.attempt === job.attempt));
  const done = ofAttempt.succeeded + ofAttempt.failed;
  if (done === 0 || seconds <= 0) return undefined;
  const standing = countRecords(chunks.filter((chunk) => isFinished(chunk, job)));
  const left = (job.plan?.records ?? 0) - standing.succeeded - standing.failed;
  const rate = done / seconds;
  return { recordsPerSecond: Math.round(rate * 100) / 100, secondsLeft: Math.ceil(left / rate) };
}
