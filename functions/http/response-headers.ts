import type { MiddlewareObj } from '@middy/core';
import { rateLimitHeaders } from './limit-rate.ts';
import type { LoggedEvent } from './request-log.ts';
import type { ProxyResponse } from './to-response.ts';

/** Answers are data for programs: no page may frame, sniff, cache or run them. */
const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

const exposedHeaders =
  'x-request-id, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, retry-after, retry-after-ms, inference-header-content-length, x-lambent-model-version, x-lambent-served-by';
const requestHeaders =
  'authorization, x-api-key, content-type, content-encoding, inference-header-content-length, x-lambent-user';

/** Adds the request id, security headers and CORS to answers and errors alike. A route's own headers win. */
export function responseHeaders(options: { corsOrigin: string }): MiddlewareObj<LoggedEvent, ProxyResponse> {
  const fixed = {
    ...securityHeaders,
    'access-control-allow-origin': options.corsOrigin,
    'access-control-expose-headers': exposedHeaders,
    ...(options.corsOrigin !== '*' && { vary: 'origin' }),
  };
  const add: NonNullable<MiddlewareObj<LoggedEvent, ProxyResponse>['after']> = ({ event, response }) => {
    if (!response) return;
    const own = { 'x-request-id': event.requestContext.requestId, ...rateLimitHeaders(event.rateLimit) };
    response.headers = { ...fixed, ...own, ...response.headers };
  };
  return { after: add, onError: add };
}

/** The answer to a CORS preflight (Fetch standard, "CORS-preflight fetch"). */
export function preflight(methods: readonly string[]): { status: number; headers: Record<string, string> } {
  return {
    status: 204,
    headers: {
      allow: methods.join(', '),
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': '86400',
    },
  };
}
