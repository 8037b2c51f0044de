import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Kind, ownedRecord } from './owned-records.ts';

/** Hours that a batch has: OpenAI knows no other window. */
export const batchSeconds = 24 * 3600;

const batchSchema = z.object({
  ...ownedRecord,
  inputFile: z.string(),
  endpoint: z.string(),
  metadata: z.record(z.string(), z.string()).optional(),
  /** Seconds that its output and error files live. */
  outputExpiresAfter: z.int().optional(),
  /** When it was cancelled, by its owner or because its time was over. */
  cancelledAt: z.int().optional(),
  /** When its files were made; absent: they are not there yet. */
  publishedAt: z.int().optional(),
  outputFile: z.string().optional(),
  errorFile: z.string().optional(),
});

export type Batch = z.infer<typeof batchSchema>;

export const batches: Kind<Batch> = { kind: 'BATCH', schema: batchSchema, word: 'batch' };

/** The job that answers a batch. */
export function jobOf({ id }: Pick<Batch, 'id'>): string {
  return id.replace('batch_', 'batch-');
}

/** The file of a batch, always the same one: of its time, and of no other batch. */
export function batchFileId({ id }: Pick<Batch, 'id'>, kind: 'output' | 'errors'): string {
  const time = id.slice('batch_'.length, 'batch_'.length + 12);
  return `file-${time}${createHash('sha256').update(`${id} ${kind}`).digest('hex').slice(0, 20)}`;
}
