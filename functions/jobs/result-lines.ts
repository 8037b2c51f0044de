import * as z from 'zod';

/** A line of `results/<job>/part-<n>.jsonl`, in the order of the input. */
export const resultLineSchema = z.object({
  /** The line's own, or the record's id; else `line-<n>`, counted from 1. */
  custom_id: z.string(),
  /** What the task answers over HTTPS; for an `endpoint`, `{status_code, request_id, body}`. */
  output: z.unknown(),
  label: z.unknown().optional(),
  /** Records of one group, such as a speaker, depend on each other. */
  group: z.string().optional(),
  /** Where the record came from, for people. */
  source: z.string().optional(),
});

/** A line of `results/<job>/errors.jsonl`: a record that has no answer. */
export const errorLineSchema = z.object({
  custom_id: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
  label: z.unknown().optional(),
  group: z.string().optional(),
  source: z.string().optional(),
  /** The chunk, and the record's place in it; both count from 0. */
  chunk: z.int().min(0),
  record: z.int().min(0),
});

export type ResultLine = z.infer<typeof resultLineSchema>;
export type ErrorLine = z.infer<typeof errorLineSchema>;
