import type * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { HttpRequest } from './http.ts';
import { parseInput } from './parse-input.ts';

/** The request's body as `schema` describes it; an empty body is `{}`. Throws invalid_request. */
export function readJson<T>({ body }: Pick<HttpRequest, 'body'>, schema: z.ZodType<T>): T {
  let value: unknown = {};
  try {
    if (body.length > 0) value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new ServiceError('invalid_request', `the body is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  return parseInput(schema, value);
}
