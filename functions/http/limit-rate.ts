import type { MiddlewareObj } from '@middy/core';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { LoggedEvent } from './request-log.ts';

const minuteMilliseconds = 60_000;

/** What a key may still ask in this minute. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMilliseconds: number;
}

/**
 * Holds a key to its requests per minute, counted in the table over all instances, from the full minute on. Throws
 * throttled. A key without a limit costs nothing here.
 */
export function limitRate(
  services: Pick<Services, 'countRequest'>,
  now: () => number = Date.now,
): MiddlewareObj<LoggedEvent> {
  return {
    before: async ({ event }) => {
      const { id, requestsPerMinute: limit } = event.apiKey ?? {};
      if (id === undefined || limit === undefined) return;
      const time = now();
      const minute = time - (time % minuteMilliseconds);
      const count = await services.countRequest(id, minute, limit);
      const resetMilliseconds = minute + minuteMilliseconds - time;
      event.rateLimit = { limit, remaining: limit - (count ?? limit), resetMilliseconds };
      if (count !== undefined) return;
      const message = `this API key has asked its ${limit} requests of this minute; repeat after retry-after`;
      throw new ServiceError('throttled', message, { retryAfterSeconds: resetMilliseconds / 1000 });
    },
  };
}

/** In the words of OpenAI's headers. */
export function rateLimitHeaders(rate: RateLimit | undefined): Record<string, string> {
  if (!rate) return {};
  return {
    'x-ratelimit-limit-requests': String(rate.limit),
    'x-ratelimit-remaining-requests': String(rate.remaining),
    'x-ratelimit-reset-requests': `${rate.resetMilliseconds / 1000}s`,
  };
}
