import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { AwsError, notImplemented } from '../../local/aws-error.ts';
import { readBody, type StandIn, sendJson, startStandIn } from '../../local/stand-in-server.ts';

let standIn: StandIn;
let carriedOut = 0;
before(async () => {
  standIn = await startStandIn({
    operation: (incoming) => incoming.url?.slice(1) ?? '',
    async handle(incoming, response, operation) {
      if (operation === 'Refuse') throw notImplemented(operation);
      if (operation === 'Break') throw new Error('broken');
      if (operation === 'Model') throw new AwsError(424, 'ModelError', 'no', { OriginalStatusCode: 500 });
      carriedOut += 1;
      sendJson(response, 200, { operation, body: String(await readBody(incoming, 10)) });
    },
  });
});
beforeEach(() => {
  standIn.faults.clear();
  carriedOut = 0;
});
after(() => standIn.close());

const call = (path: string, init: RequestInit = {}) => fetch(standIn.url + path, init);
const answer = async (path: string, init: RequestInit = {}) => {
  const response = await call(path, init);
  return [response.status, (await response.json()) as Record<string, unknown>] as const;
};

function statusWith(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${standIn.url}/Echo`, { headers }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
}

test('a request is handled, and what the handler throws is answered in AWS JSON form', async () => {
  assert.deepEqual(await answer('/Echo', { method: 'POST', body: 'hello' }), [
    200,
    { operation: 'Echo', body: 'hello' },
  ]);
  const refused = { __type: 'NotImplemented', message: 'Refuse is not supported by this stand-in' };
  assert.deepEqual(await answer('/Refuse'), [501, { ...refused, Message: refused.message }]);
  assert.deepEqual(await answer('/Break'), [500, { __type: 'InternalError', message: 'broken', Message: 'broken' }]);
  const failed = await call('/Model');
  assert.equal(failed.headers.get('x-amzn-errortype'), 'ModelError');
  assert.deepEqual(await failed.json(), {
    __type: 'ModelError',
    message: 'no',
    Message: 'no',
    OriginalStatusCode: 500,
  });
  const [status] = await answer('/Echo', { method: 'POST', body: 'longer than ten' });
  assert.equal(status, 413);
});

test('only a loopback Host without an Origin is answered', async () => {
  assert.equal(await statusWith({}), 200);
  assert.equal(await statusWith({ host: 'localhost' }), 200);
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'bucket.localhost:80', '0.0.0.0']) {
    assert.equal(await statusWith({ host }), 403, host);
  }
  assert.equal(await statusWith({ origin: 'http://127.0.0.1' }), 403);
});

test('a fault in a header fails this request alone', async () => {
  const headers = { 'x-lambent-fault': '{"status": 503, "errorType": "SlowDown", "message": "later"}' };
  assert.deepEqual(await answer('/Echo', { headers }), [
    503,
    { __type: 'SlowDown', message: 'later', Message: 'later' },
  ]);
  assert.equal((await call('/Echo')).status, 200);
  const [status, body] = await answer('/Echo', { headers: { 'x-lambent-fault': '{"satus": 503}' } });
  assert.equal(status, 400);
  assert.match(String(body.message), /satus/);
});

test('a fault that waits fails as many matching requests as it says', async () => {
  const fault = { match: { operation: 'Echo', method: 'POST', path: 'ch' }, times: 2, errorType: 'Throttled' };
  assert.equal((await call('/_faults', { method: 'POST', body: JSON.stringify(fault) })).status, 200);
  assert.equal((await call('/Echo')).status, 200);
  assert.equal((await call('/Other', { method: 'POST' })).status, 200);
  assert.equal((await call('/Echo', { method: 'POST' })).status, 500);
  assert.deepEqual(standIn.faults.list(), [{ ...fault, times: 1 }]);
  assert.equal((await call('/Echo', { method: 'POST' })).status, 500);
  assert.equal((await call('/Echo', { method: 'POST' })).status, 200);
});

test('faults that wait are removed by DELETE', async () => {
  standIn.faults.add({ status: 500 });
  assert.deepEqual(await (await call('/_faults', { method: 'DELETE' })).json(), []);
  assert.equal((await call('/Echo')).status, 200);
});

test('a reset comes before the request is carried out, a cut comes after', async () => {
  standIn.faults.add({ reset: true });
  await assert.rejects(call('/Echo'));
  assert.equal(carriedOut, 0);
  for (const cutAfterBytes of [0, 5]) {
    standIn.faults.add({ cutAfterBytes });
    const response = await call('/Echo');
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
  }
  assert.equal(carriedOut, 2);
  standIn.faults.add({ cutAfterBytes: 1000 });
  assert.deepEqual(await answer('/Echo'), [200, { operation: 'Echo', body: '' }]);
});

test('close ends connections that are idle and those that wait for a delayed answer', async () => {
  const other = await startStandIn({
    operation: () => 'Wait',
    handle: async (_request, response) => sendJson(response, 200, {}),
  });
  await (await fetch(other.url)).json();
  const delayed = assert.rejects(fetch(other.url, { headers: { 'x-lambent-fault': '{"delayMs": 600000}' } }));
  await fetch(`${other.url}/_faults`);
  await other.close();
  await delayed;
});
