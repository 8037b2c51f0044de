import type * as z from 'zod';
import { parseJson } from '../parse-json.ts';
import type { HttpRequest } from './http.ts';
import { parseInput } from './parse-input.ts';

/** The request's body as `schema` describes it; an empty body is `{}`. Throws invalid_request. */
export function readJson<T>({ body }: Pick<HttpRequest, 'body'>, schema: z.ZodType<T>): T {
  return parseInput(schema, body.length > 0 ? parseJson(body, 'the body') : {});
}
