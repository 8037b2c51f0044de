import * as z from 'zod';
import { taskNames } from '../tasks/task-names.ts';

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const shardSchema = z.object({ key: z.string(), records: count, bytes: count, sha256 });

/** Numbers of the records that were kept: lengths, sizes, durations, or a column's values. */
const distributionSchema = z.object({
  count,
  missing: count,
  mean: z.number(),
  std: z.number(),
  min: z.number(),
  max: z.number(),
  /** To one percent. */
  quantiles: z.object({ p5: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() }),
  /** How many lie in each part of equal width from min to max. */
  histogram: z.array(count),
});

export type Distribution = z.infer<typeof distributionSchema>;

/** `prepared/<dataset>/manifest.json`: what a prepared data set holds. It is written last. */
export const preparedManifestSchema = z.object({
  dataset: z.string(),
  /** The run that made it; its shards lie under `prepared/<dataset>/<run>/`. */
  run: z.string(),
  task: z.enum(taskNames),
  /** When dataset.json was uploaded. */
  createdAt: z.iso.datetime(),
  /** Of the upload of dataset.json; grows. */
  sequencer: z.string(),
  counts: z.object({
    /** Records found, those that were dropped among them. */
    in: count,
    kept: count,
    /** Changed copies, besides those kept. */
    augmented: count,
    /** By reason. */
    dropped: z.record(z.string(), count),
  }),
  splits: z.record(z.string(), z.object({ records: count, augmented: count, shards: z.array(shardSchema) })),
  /** Classes in the order of their names, where the task has classes. */
  labels: z.array(z.string()).optional(),
  hashes: z.object({
    /** Of dataset.json. */
    definition: sha256,
    /** Of the list of what was uploaded: keys, ETags and sizes. */
    raw: sha256,
    /** Of the shards' digests in their order. */
    shards: sha256,
  }),
  statistics: z.object({
    /** Split → class → records that have it. */
    labels: z.record(z.string(), z.record(z.string(), count)),
    /** `characters`, `width`, `seconds`, … or `column <name>`. */
    measures: z.record(z.string(), distributionSchema),
  }),
});

export type PreparedManifest = z.infer<typeof preparedManifestSchema>;
