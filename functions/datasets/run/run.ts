import * as z from 'zod';
import type { Services } from '../../services.ts';
import { workKey } from '../../storage/object-keys.ts';
import { type DatasetDefinition, datasetDefinitionSchema } from '../dataset-definition.ts';

/** Every effect of preparing a data set. */
export type Effects = Pick<
  Services,
  | 'readData'
  | 'findData'
  | 'listData'
  | 'streamData'
  | 'writeData'
  | 'writeDataStream'
  | 'removeData'
  | 'claim'
  | 'releaseClaim'
  | 'sendWork'
>;

/** The function that all of this runs in, and whose queue its messages go to. */
export const functionName = 'prepare-dataset';

/** The steps of a run. Each has items that any number of workers do, but the last, which is one piece. */
export const stages = ['scan', 'units', 'shards', 'finish'] as const;
export type Stage = (typeof stages)[number];

const place = z.int().min(0);

/** Work that one worker sends to another: an item of a stage, or without `item` the beginning of the stage. */
export const workSchema = z.strictObject({
  dataset: z.string(),
  run: z.string(),
  stage: z.enum(stages),
  item: z
    .strictObject({
      number: place,
      /** Its line in the stage's list. */
      start: place,
      end: place,
      /** Items of the stage. */
      count: place,
    })
    .optional(),
});

export type Work = z.infer<typeof workSchema>;

/** What is the same for all workers of a run: `work/datasets/<dataset>/<run>/run.json`. */
export const runStateSchema = z.object({
  definition: z.unknown().transform((given) => datasetDefinitionSchema.parse(given)),
  hashes: z.object({ definition: z.string(), raw: z.string() }),
});

/** The newest upload of dataset.json that a run is for: `upload.json` beside it. Equal uploads have one run. */
export const uploadSchema = z.object({
  sequencer: z.string(),
  createdAt: z.iso.datetime(),
  /** Another dataset.json has overtaken the run. */
  etag: z.string(),
});

/** A run as one worker sees it, who has until `deadline` (milliseconds since the epoch). */
export interface Run {
  readonly work: Work;
  readonly definition: DatasetDefinition;
  readonly hashes: { readonly definition: string; readonly raw: string };
  readonly effects: Effects;
  readonly deadline: number;
  readonly now: () => number;
  /** The message that it works on. */
  readonly owner: string;
}

/** Keys of what workers leave for each other. */
export function runKey({ dataset, run }: Pick<Work, 'dataset' | 'run'>, path: string): string {
  return workKey('datasets', dataset, `${run}/${path}`);
}

export function toJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
