import * as z from 'zod';
import { inputPrefixes } from '../storage/object-keys.ts';
import { taskNames, textGeneration } from '../tasks/task-names.ts';
import { lineProblemSchema } from './request-line.ts';

const isInputKey = (key: string) => inputPrefixes.some((prefix) => key.startsWith(prefix));
const reference = '<model>, <model>@<alias> or { model, version } is needed';
const name = z
  .string('a name is needed')
  .min(1, 'a name is needed')
  .max(200, 'a name of 200 characters at most is needed');
const share = 'a number from 0 to 100 is needed';
const count = 'a whole number from 1 is needed';

/** A job as it is asked for: `jobs/<job>.json` in the data bucket, and the body of `POST /v1/jobs`. */
export const jobRequestSchema = z
  .strictObject({
    model: z.union([name, z.strictObject({ model: name, version: name })], reference).optional(),
    /** A prepared data set. */
    dataset: name.optional(),
    /** Of the data set: one of its splits, or `all`; absent: `test`. */
    split: name.optional(),
    /** Key of JSONL in the data bucket: `{custom_id?, inputs, parameters?, label?}` a line. */
    input: z
      .string()
      .max(1024, 'a key of 1024 bytes at most is needed')
      .refine(isInputKey, `a key of the data bucket under ${inputPrefixes.join(', ')} is needed`)
      .optional(),
    /** Each line of `input` is `{custom_id, method, url, body}` and is answered as this path of the API answers. */
    endpoint: z
      .string()
      .regex(/^\/(?:v1|v2|models)\//, 'a path of the API such as /v1/embeddings is needed')
      .optional(),
    /** Of the task, for every record; a line's own come first. */
    parameters: z.record(z.string(), z.json()).optional(),
    /** Kept and shown, and not read. */
    metadata: z.record(z.string(), z.string()).optional(),
    /** More records than these, and the job fails before it begins. */
    maxRecords: z.int(count).min(1, count).optional(),
    /** Once more than this share of all records has failed, the job stops. */
    maxErrorsPercent: z.number(share).min(0, share).max(100, share).optional(),
  })
  .refine(
    ({ dataset, input }) => (dataset === undefined) !== (input === undefined),
    'either dataset or input is needed',
  )
  .refine(
    ({ model, endpoint }) => (model === undefined) !== (endpoint === undefined),
    'either model or endpoint is needed',
  )
  .refine(({ split, dataset }) => split === undefined || dataset !== undefined, 'split goes with dataset only')
  .refine(
    ({ endpoint, dataset, parameters }) => endpoint === undefined || (dataset ?? parameters) === undefined,
    'endpoint goes with input alone: the lines say the rest',
  );

export type JobRequest = z.infer<typeof jobRequestSchema>;

/** Id of the API key that sees a job over HTTPS; absent: none does. */
const owner = z.string('the id of an API key is needed').min(1).max(100).optional();

/** What `jobs/<job>.json` holds. Callers are told whose their jobs are: they cannot say. */
export const jobFileSchema = jobRequestSchema.safeExtend({ owner });

/** What a job runs, decided once, when it is planned. */
export const jobPlanSchema = z.object({
  /** Absent where the lines of an `endpoint` name theirs. */
  model: z.string().optional(),
  modelVersion: z.string().optional(),
  task: z.enum([...taskNames, textGeneration]).optional(),
  dataset: z.object({ name: z.string(), run: z.string(), split: z.string() }).optional(),
  input: z.string().optional(),
  endpoint: z.string().optional(),
  /** Records have labels, which the results repeat. */
  labelled: z.boolean(),
  parameters: z.record(z.string(), z.json()),
  records: z.int().min(0),
  chunks: z.int().min(0),
});

export type JobPlan = z.infer<typeof jobPlanSchema>;

/** COMPLETED, CANCELLED and FAILED are the ends; `resume` and `retry` lead back to RUNNING. */
export const jobStatuses = [
  'PLANNING',
  'RUNNING',
  'FINISHING',
  'CANCELLING',
  'COMPLETED',
  'CANCELLED',
  'FAILED',
] as const;

/** A job's one item of the table: every step of the job is a conditional write of it. */
export const jobSchema = z.object({
  job: z.string(),
  status: z.enum(jobStatuses),
  /** Why it is FAILED, or is about to be. */
  reason: z.string().optional(),
  /** Of an `endpoint`: the first lines of its input that are no requests. */
  problems: z.array(lineProblemSchema).optional(),
  owner,
  /** Absent where jobs/<job>.json could not be read. */
  request: jobRequestSchema.optional(),
  createdAt: z.iso.datetime(),
  /** When the first, or the latest, attempt began to run. */
  startedAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  /** Absent until it is planned. */
  plan: jobPlanSchema.optional(),
  /** Key of the whole plan, with the chunks. */
  planKey: z.string().optional(),
  /** Grows with every resume and retry. */
  attempt: z.int().min(1),
  /** Chunks with failed records are done only if they were run in this attempt or a later one. */
  retrySince: z.int().min(0),
  /** The attempt whose chunks have all been sent to the queue. */
  dispatched: z.int().min(0),
  /** At the end of the latest attempt. */
  counts: z.object({ succeeded: z.int(), failed: z.int(), chunks: z.int() }).optional(),
  /** Counts conditional writes. */
  revision: z.int(),
});

export type Job = z.infer<typeof jobSchema>;
