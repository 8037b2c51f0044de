import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { toServiceError } from '../errors.ts';
import { describeError, log } from '../log.ts';
import type { ApiKey } from '../services.ts';
import type { RateLimit } from './limit-rate.ts';
import type { ProxyResponse } from './to-response.ts';

/** What middlewares and the router leave on the event for the log. */
export type LoggedEvent = APIGatewayProxyEvent & {
  apiKey?: ApiKey;
  rateLimit?: RateLimit;
  startedAt?: number;
  route?: string;
};

/** One line for each request, when its answer is decided. Must be the first middleware, so that it sees the answer last. */
export function requestLog(): MiddlewareObj<LoggedEvent, ProxyResponse> {
  return {
    before: ({ event }) => {
      event.startedAt = performance.now();
    },
    after: ({ event, response }) => write(event, response?.statusCode ?? 0),
    onError: ({ event, error }) => {
      const serviceError = toServiceError(error);
      write(event, serviceError.status, {
        errorCode: serviceError.code,
        ...(serviceError.status >= 500 && { error: describeError(serviceError) }),
      });
    },
  };
}

function write(event: LoggedEvent, status: number, fields: { errorCode?: string; error?: string } = {}): void {
  log(status >= 500 ? 'error' : 'info', 'request', {
    requestId: event.requestContext.requestId,
    method: event.httpMethod,
    ...(event.route && { route: event.route }),
    status,
    durationMs: Math.round((performance.now() - (event.startedAt ?? 0)) * 10) / 10,
    ...(event.apiKey && { keyId: event.apiKey.id }),
    ...(event.pathParameters?.model && { model: event.pathParameters.model }),
    ...fields,
  });
}
