import * as z from 'zod';
import { reportSchema } from './report.ts';

const side = z.object({ job: z.string(), model: z.string(), modelVersion: z.string() });
const value = z.number().nullable();
const count = z.int().min(0);

/** b is what it has become; the difference is b − a, with its interval. */
const differenceSchema = z.object({ a: value, b: value, difference: reportSchema.shape.metrics.valueType });
const differences = z.record(z.string(), differenceSchema);

/** A record that one of the two has right and the other wrong. */
const flipSchema = z.object({
  custom_id: z.string(),
  label: z.string(),
  /** What each has answered; empty where it was not kept. */
  a: z.string(),
  b: z.string(),
  source: z.string().optional(),
});

/** Two jobs over the same records: what changes from the first, a, to the second, b. */
export const comparisonSchema = z.object({
  a: side,
  b: side,
  task: reportSchema.shape.task,
  dataset: reportSchema.shape.dataset,
  input: z.string().optional(),
  records: z.object({ compared: count, onlyInA: count, onlyInB: count }),
  /** Of the bootstrap; the same samples for both. */
  resamples: count,
  metrics: differences,
  classes: z.array(z.object({ label: z.string(), metrics: differences })),
  /** Absent where answers are nearer or farther rather than right or wrong. `p`: of the exact McNemar test. */
  mcnemar: z.object({ bothRight: count, onlyA: count, onlyB: count, bothWrong: count, p: z.number() }).optional(),
  /** Some of those that were wrong and are right, and that were right and are wrong. */
  fixed: z.array(flipSchema),
  broken: z.array(flipSchema),
});

export type Comparison = z.infer<typeof comparisonSchema>;
export type Difference = z.infer<typeof differenceSchema>;
export type Flip = z.infer<typeof flipSchema>;
