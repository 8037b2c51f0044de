import * as z from 'zod';
import { jobPlanSchema } from './job.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** `results/<job>/manifest.json`, written when an attempt of a job has ended, after all that it names. */
export const resultsManifestSchema = jobPlanSchema.omit({ records: true, chunks: true, dataset: true }).extend({
  job: z.string(),
  status: z.enum(['COMPLETED', 'CANCELLED', 'FAILED']),
  /** Why it is FAILED. */
  reason: z.string().optional(),
  /** Grows: a later manifest takes the place of an earlier one. */
  attempt: z.int().min(1),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** `shards[n]` was read for part n. */
  dataset: jobPlanSchema.shape.dataset
    .unwrap()
    .extend({ shards: z.array(z.object({ key: z.string(), records: z.int() })) })
    .optional(),
  counts: z.object({ total: z.int(), succeeded: z.int(), failed: z.int() }),
  /** In the order of the input. Part n has what chunk n of the input has answered; a chunk that was not run has none. */
  parts: z.array(z.object({ chunk: z.int(), key: z.string(), records: z.int(), bytes: z.int(), sha256: hex })),
  /** Key of the failed records; absent: there are none. */
  errors: z.string().optional(),
});

export type ResultsManifest = z.infer<typeof resultsManifestSchema>;
