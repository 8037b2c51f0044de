import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { type Job, jobPlanSchema } from './job.ts';

/** A shard of a prepared data set, or the bytes of whole lines of JSONL. */
const chunkSourceSchema = z.object({
  key: z.string(),
  records: z.int().min(0),
  range: z
    .object({
      start: z.int().min(0),
      end: z.int().min(0),
      /** Of the object, so that a chunk is not read of another version. */
      etag: z.string(),
      /** Number of the first line, from 1. */
      firstLine: z.int().min(1),
    })
    .optional(),
});

/** `work/jobs/<job>/plan-….json`: what chunk n of a job reads is `sources[n]`. It never changes. */
export const wholePlanSchema = jobPlanSchema.extend({ sources: z.array(chunkSourceSchema) });

export type ChunkSource = z.infer<typeof chunkSourceSchema>;
export type WholePlan = z.infer<typeof wholePlanSchema>;

/** Throws conflict where the plan has expired. */
export async function readPlan({ job, planKey }: Job, { readData }: Pick<Services, 'readData'>): Promise<WholePlan> {
  const body = planKey === undefined ? undefined : await readData(planKey);
  if (body) return wholePlanSchema.parse(JSON.parse(body.toString('utf8')));
  throw new ServiceError('conflict', `the plan of job ${job} has expired, after 30 days: start a new job`);
}
