import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type ErrorCode, type ServiceError, toServiceError } from '../errors.ts';
import type { ErrorFormat } from './http.ts';
import { toResponse } from './to-response.ts';

/** Turns whatever was thrown into the error body of the protocol that the path belongs to. The only place that does. */
export function renderError(): MiddlewareObj<APIGatewayProxyEvent> {
  return {
    onError: (request) => {
      const error = toServiceError(request.error);
      request.error = error;
      const headers: Record<string, string> = {};
      if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer';
      if (error.retryAfterSeconds !== undefined) {
        headers['retry-after'] = String(Math.ceil(error.retryAfterSeconds));
        // OpenAI's clients look at this one first.
        headers['retry-after-ms'] = String(Math.ceil(error.retryAfterSeconds * 1000));
      }
      if (error.allow) headers.allow = error.allow.join(', ');
      request.response = toResponse({
        status: error.status,
        headers,
        body: renderErrorBody(errorFormat(request.event.path), error),
      });
    },
  };
}

export function errorFormat(path: string): ErrorFormat {
  if (path === '/v2' || path.startsWith('/v2/')) return 'open-inference';
  return path === '/v1' || path.startsWith('/v1/') ? 'openai' : 'hugging-face';
}

/** OpenAI's `type` of each code; the official client chooses its exception by the status. */
const openaiTypes: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'authentication_error',
  throttled: 'rate_limit_error',
  model_not_ready: 'rate_limit_error',
};

/** OpenAI's error object, as an answer has it and as the last event of a stream that failed. */
export function renderOpenaiError(error: ServiceError): object {
  const type = openaiTypes[error.code] ?? (error.status < 500 ? 'invalid_request_error' : 'server_error');
  return { error: { message: error.message, type, param: null, code: error.code } };
}

/** The body of an error in the words of one API. */
export function renderErrorBody(format: ErrorFormat, error: ServiceError): object {
  return bodies[format](error);
}

const bodies: Record<ErrorFormat, (error: ServiceError) => object> = {
  /** https://github.com/kserve/open-inference-protocol, "Inference Response JSON Error Object". */
  'open-inference': (error) => ({
    // Triton's clients look for its words.
    error: error.code === 'model_not_found' ? `Request for unknown model: ${error.message}` : error.message,
  }),
  openai: renderOpenaiError,
  'hugging-face': (error) => ({ error: error.message, error_type: error.code }),
};
