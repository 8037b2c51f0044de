import * as z from 'zod';
import type { Job } from './job.ts';

/** How far one chunk of a job has come: an item of the table. */
export const jobChunkSchema = z.object({
  chunk: z.int().min(0),
  /** Absent until it has a part. */
  done: z
    .object({
      /** The attempt and the claim whose outcome stands. */
      attempt: z.int(),
      claim: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      /** Of the part. */
      bytes: z.int(),
      sha256: z.string(),
      finishedAt: z.iso.datetime(),
    })
    .optional(),
  /** Its message was given up in this attempt. */
  givenUp: z.object({ attempt: z.int(), reason: z.string() }).optional(),
  /** Counts conditional writes. */
  revision: z.int(),
});

export type JobChunk = z.infer<typeof jobChunkSchema>;
export type ChunkDone = NonNullable<JobChunk['done']>;

/** Whether an outcome of a chunk is what the job's attempt asks for: failed records of earlier ones are run again. */
export function stands({ attempt, failed }: { attempt: number; failed: number }, { retrySince }: Job): boolean {
  return failed === 0 || attempt >= retrySince;
}

export function isFinished({ done }: JobChunk, job: Job): boolean {
  return done !== undefined && stands(done, job);
}

export function isGivenUp(chunk: JobChunk, job: Job): boolean {
  return chunk.givenUp?.attempt === job.attempt && !isFinished(chunk, job);
}

/** Records that have an outcome: the latest of each chunk. */
export function countRecords(chunks: readonly JobChunk[]): { succeeded: number; failed: number } {
  let [succeeded, failed] = [0, 0];
  for (const { done } of chunks) {
    succeeded += done?.succeeded ?? 0;
    failed += done?.failed ?? 0;
  }
  return { succeeded, failed };
}
