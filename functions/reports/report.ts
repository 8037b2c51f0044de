import * as z from 'zod';
import { taskNames } from '../tasks/task-names.ts';

/** null: not defined, e.g. an area under a curve where all records are of one class. */
const value = z.number().nullable();

const estimateSchema = z.object({
  value,
  /** Bounds of the confidence interval. */
  low: value,
  high: value,
});

const metricsSchema = z.record(z.string(), estimateSchema);
const curves = z.array(z.object({ label: z.string(), x: z.array(z.number()), y: z.array(z.number()) }));
const count = z.int().min(0);

/** A record that is among those with the worst answers. */
const exampleSchema = z.object({
  custom_id: z.string(),
  /** The part that has it. */
  chunk: count,
  label: z.string(),
  answer: z.string(),
  /** How wrong the answer is; what it counts hangs on the task. */
  loss: z.number(),
  source: z.string().optional(),
});

/** `reports/<job>/report.json`: what a job's answers are worth, by the labels of its records. */
export const reportSchema = z.object({
  job: z.string(),
  /** Of the job; the report of a later attempt takes the place of an earlier one's. */
  attempt: z.int().min(1),
  /** When the job's results were complete. */
  createdAt: z.iso.datetime(),
  model: z.string(),
  modelVersion: z.string(),
  task: z.enum(taskNames),
  dataset: z.object({ name: z.string(), run: z.string(), split: z.string() }).optional(),
  /** Key of the job's JSONL. */
  input: z.string().optional(),
  records: z.object({
    total: count,
    /** Those with a label, those that failed among them. */
    evaluated: count,
    failed: count,
    unlabelled: count,
    /** Their label and answer cannot be compared. */
    unusable: count,
  }),
  /** Some of the records that are unusable, with the reason. */
  unusable: z.array(z.object({ custom_id: z.string(), reason: z.string() })),
  /** Records that failed, by error code. */
  failures: z.array(z.object({ code: z.string(), message: z.string(), count })),
  intervals: z.object({
    method: z.literal('percentile bootstrap'),
    confidence: z.number(),
    resamples: count,
    /** What is drawn with replacement, and how many there are. */
    unit: z.enum(['record', 'group']),
    units: count,
    seed: z.string(),
  }),
  /** By name, the one to judge by first. */
  metrics: metricsSchema,
  classes: z.array(z.object({ label: z.string(), support: value, metrics: metricsSchema })),
  details: z.object({
    /** Rows are true classes, columns predicted ones, in the order of `classes`; of few classes. */
    confusionMatrix: z.array(z.array(count)).optional(),
    /** What is most often taken for what. */
    confusions: z.array(z.object({ label: z.string(), answer: z.string(), count })).optional(),
    calibration: z.array(z.object({ count, confidence: value, accuracy: value })).optional(),
    roc: curves.optional(),
    precisionRecall: curves.optional(),
    histogram: z
      .object({
        of: z.string(),
        series: z.array(z.string()),
        bins: z.array(z.object({ from: z.number(), to: z.number(), counts: z.array(count) })),
      })
      .optional(),
  }),
  /** The worst answers, the worst first. */
  worst: z.array(exampleSchema),
  notes: z.array(z.string()),
});

/** `evaluations/<model>/<version>/<job>.json`: where a version's reports are found, with what decisions are made by. */
export const evaluatedSchema = reportSchema.pick({
  job: true,
  attempt: true,
  createdAt: true,
  model: true,
  modelVersion: true,
  task: true,
  dataset: true,
  input: true,
  records: true,
  metrics: true,
});

export type Evaluated = z.infer<typeof evaluatedSchema>;
export type Report = z.infer<typeof reportSchema>;
export type Estimate = z.infer<typeof estimateSchema>;
export type Example = z.infer<typeof exampleSchema>;
