import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { FormFile } from './form-file.ts';
import type { HttpRequest } from './http.ts';
import { parseInput } from './parse-input.ts';

/** A file of a form, as schemas of forms have it. */
export const formFile = z
  .instanceof(FormFile, { error: 'a file is needed: a part of the form with a filename' })
  .meta({ format: 'binary' });

/**
 * A multipart/form-data body (RFC 7578) as `schema` describes it: fields by name, those named `name[]` and `name[key]` as
 * a list and as an object under `name`, and a file. Throws unsupported_media_type, payload_too_large, invalid_request.
 */
export async function readMultipart<T>(
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  schema: z.ZodType<T>,
): Promise<T> {
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    const given = type.split(';', 1)[0]?.slice(0, 100) || 'missing';
    throw new ServiceError('unsupported_media_type', `the content-type is ${given}; multipart/form-data is needed`);
  }
  // Only now: a parser that most requests do without.
  const { parseMultipart } = await import('./parse-multipart.ts');
  return parseInput(schema, await parseMultipart(type, body));
}
