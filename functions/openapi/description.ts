import type * as z from 'zod';

/** Media type → what is in it: JSON by a schema, `bytes`, or `text`. */
export type Content = Readonly<Record<string, z.ZodType | 'bytes' | 'text'>>;

/** What a route's own fields do not say of it. */
export interface Description {
  /** A body that no zod schema parses. */
  readonly body?: Content;
  /** What it answers when it succeeds, by status; null: no body. */
  readonly answers: Readonly<Record<number, Content | null>>;
  /** Headers of its answers besides those of all routes: name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** By method and path, e.g. `GET /v2`. */
export type Descriptions = Readonly<Record<string, Description>>;

/** An answer of 200 in JSON. */
export function json(schema: z.ZodType): Description {
  return { answers: { 200: { 'application/json': schema } } };
}
