import * as z from 'zod';

/** What the decisions about a record need: a line beside the records of a block. */
export const factsSchema = z.object({
  /** 24 hex digits of the digest of its content. */
  id: z.string(),
  /** Bytes of the record in its block. */
  bytes: z.int(),
  /** Classes that its label names. */
  classes: z.array(z.string()).optional(),
  /** 8 hex digits of its label's digest. */
  label: z.string().optional(),
  /** 16 hex digits of its group's digest. */
  group: z.string().optional(),
  /** The split that it says to stand in. */
  split: z.string().optional(),
  /** 16 hex digits of its perceptual hash. */
  look: z.string().optional(),
  measures: z.record(z.string(), z.number()),
});

export type Facts = z.infer<typeof factsSchema>;
