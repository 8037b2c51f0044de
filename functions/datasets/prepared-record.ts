import * as z from 'zod';

/** Where an object is in a picture, in its pixels. */
const boxSchema = z.object({ xmin: z.number(), ymin: z.number(), xmax: z.number(), ymax: z.number() });

/** What a record is known to be: a class, several classes, a number, objects in a picture, a text, or what a task has else. */
export const labelSchema = z.union([
  z.string(),
  z.number(),
  z.array(z.string()),
  z.array(z.object({ label: z.string(), box: boxSchema })),
  z.json(),
]);

/** A record of a prepared data set without its inputs: what stands beside a file in a shard. */
export const recordMetadataSchema = z.object({
  /** 24 or more hex digits: of the digest of its inputs; unique in the data set. */
  id: z.string().regex(/^[0-9a-f]{16,64}$/),
  label: labelSchema.optional(),
  /** Records of one group (a speaker, a patient) stand in one split. */
  group: z.string().optional(),
  /** Where it came from: an object's key, then the archive's member or the table's row. */
  source: z.string(),
  /** The record that this one is a changed copy of. */
  augmentedFrom: z.string().optional(),
});

/** A record of JSONL; `inputs` is what its task takes: a text, or a row `{ column: value }`. */
export const jsonRecordSchema = recordMetadataSchema.extend({ inputs: z.json() });

export type RecordMetadata = z.infer<typeof recordMetadataSchema>;

/** A record of a prepared data set. `inputs` are the bytes of a file, or what JSON can say. */
export interface PreparedRecord extends RecordMetadata {
  readonly inputs: z.infer<ReturnType<typeof z.json>> | Uint8Array;
}
