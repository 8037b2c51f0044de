import { ServiceError } from './errors.ts';
import { countFields } from './inference/parse-value.ts';
import { tooDeep } from './inference/scan-json.ts';

/**
 * The JSON that somebody sent as `what` (`the body`), nested no deeper than an infer request may be: whoever walks
 * through it may call itself. Throws invalid_request.
 */
export function parseJson(bytes: Uint8Array, what: string, parse: (text: string) => unknown = JSON.parse): unknown {
  const text = readText(bytes, what);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    if (cause instanceof RangeError) throw tooDeep();
    throw new ServiceError('invalid_request', `${what} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (Number.isNaN(countFields(value))) throw tooDeep();
  return value;
}

/** The text that somebody sent as `what`, without its byte order mark. Throws invalid_request where it is not UTF-8. */
export function readText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ServiceError('invalid_request', `${what} is not text in UTF-8`, { cause });
  }
}
