import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { RateLimitError } from 'openai';
import { connectServices } from '../flow/connect-services.ts';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';

const limit = 3;

test('a key is held to its requests a minute, and its clients are told what is left and when to come again', async (t) => {
  const temporary = await temporaryState();
  t.after(temporary.remove);
  const platform = await runPlatform(temporary.state);
  t.after(() => platform.end());
  const { secret } = await connectServices(platform.state).services.createApiKey('few', limit);
  const client = new OpenAI({ apiKey: secret, baseURL: `${platform.url}/v1`, maxRetries: 0 });
  const left: number[] = [];
  let refused: RateLimitError | undefined;
  // A minute may end on the way.
  for (let asked = 0; asked <= 2 * limit && !refused; asked++) {
    const { response } = await client.models
      .list()
      .withResponse()
      .catch((error: RateLimitError) => {
        refused = error;
        return { response: { headers: error.headers as Headers } };
      });
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), String(limit));
    assert.match(response.headers.get('x-ratelimit-reset-requests')!, /^[\d.]+s$/);
    left.push(Number(response.headers.get('x-ratelimit-remaining-requests')));
  }
  assert.ok(refused instanceof RateLimitError);
  assert.deepEqual([refused.code, refused.type, refused.status], ['throttled', 'rate_limit_error', 429]);
  const wait = Number(refused.headers?.get('retry-after-ms'));
  assert.ok(wait > 0 && wait <= 60_000, `${wait}`);
  assert.equal(Math.ceil(wait / 1000), Number(refused.headers?.get('retry-after')));
  assert.deepEqual(left.slice(-limit - 1), [2, 1, 0, 0]);
  const free = await platform.request('/v1/models');
  assert.equal(free.headers.get('x-ratelimit-limit-requests'), null);
});
