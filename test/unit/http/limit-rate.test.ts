import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitRate, rateLimitHeaders } from '../../../functions/http/limit-rate.ts';
import type { LoggedEvent } from '../../../functions/http/request-log.ts';

const key = { id: 'k', name: 'n', prefix: 'lam_', createdAt: '' };

async function ask(requestsPerMinute: number | undefined, counted: number | undefined) {
  const asked: unknown[] = [];
  const countRequest = async (...parameters: unknown[]) => {
    asked.push(parameters);
    return counted;
  };
  const event = { apiKey: { ...key, ...(requestsPerMinute && { requestsPerMinute }) } } as LoggedEvent;
  const before = limitRate({ countRequest }, () => 120_000 + 47_500).before as (request: object) => Promise<void>;
  const failure = await before({ event }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { failure, asked, headers: rateLimitHeaders(event.rateLimit) };
}

test('a request counts in its minute, and what is left is told', async () => {
  assert.deepEqual(await ask(10, 4), {
    failure: undefined,
    asked: [['k', 120_000, 10]],
    headers: {
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '6',
      'x-ratelimit-reset-requests': '12.5s',
    },
  });
  const { failure, headers } = await ask(10, undefined);
  const { code, retryAfterSeconds } = failure as { code: string; retryAfterSeconds: number };
  assert.deepEqual([code, retryAfterSeconds, headers['x-ratelimit-remaining-requests']], ['throttled', 12.5, '0']);
});

test('a key without a limit is not counted', async () => {
  assert.deepEqual(await ask(undefined, 1), { failure: undefined, asked: [], headers: {} });
});
