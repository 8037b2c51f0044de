import { ServiceError } from '../errors.ts';
import type { Failure } from './retry.ts';

const connectionErrors = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENETUNREACH']);

/** The parts of an SDK error, which also holds what the connection threw. */
interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * What an SDK error of any service means: throttling, an unavailable service, a broken connection; everything else is a
 * mistake of ours (a missing permission, a missing endpoint) that the log explains and the caller cannot mend.
 */
export function readFailure(cause: unknown): Failure {
  const { name = '', code = '', $metadata } = (cause ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  if (status === 429 || /throttl|TooManyRequests/i.test(name)) {
    return failure('throttled', 'the model host has too many requests at the moment', cause, true);
  }
  if (status === 413)
    return failure('payload_too_large', 'the model host refused a request of this size', cause, false);
  if (status !== undefined && status >= 500) {
    return failure('host_unavailable', `the model host is unavailable (${status} ${name})`, cause, true);
  }
  if (connectionErrors.has(code)) {
    return failure('host_unavailable', `the connection to the model host broke (${code})`, cause, true);
  }
  return failure('internal', 'the call of the model host was refused; the log says why', cause, false);
}

export function failure(code: ServiceError['code'], message: string, cause: unknown, repeat: boolean): Failure {
  const options = { cause, ...(repeat && { retryAfterSeconds: 1 }) };
  return { error: new ServiceError(code, message, options), repeat };
}
