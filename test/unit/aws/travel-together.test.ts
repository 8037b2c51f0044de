import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { travelTogether } from '../../../functions/aws/travel-together.ts';

interface Call {
  items: readonly string[];
  end(error?: Error): void;
}

function lines(maxBytes = 100) {
  const calls: Call[] = [];
  const travel = travelTogether<string, string>({
    line: (item) => item[0] as string,
    bytes: (item) => item.length,
    maxBytes,
    maxInFlight: 2,
    send: (items) =>
      new Promise((resolve, reject) => {
        const outcomes = items.map((item) => item.toUpperCase());
        calls.push({ items, end: (error) => (error ? reject(error) : resolve(outcomes)) });
      }),
  });
  return { calls, travel, sent: () => calls.map(({ items }) => items) };
}

test('what comes while two calls are under way shares the next; another line does not wait', async () => {
  const { calls, travel, sent } = lines();
  const first = travel('a1');
  await turn();
  const second = travel('a2');
  await turn();
  const rest = [travel('a3'), travel('a4')];
  const other = travel('b1');
  await turn();
  assert.deepEqual(sent(), [['a1'], ['a2'], ['b1']]);
  calls[1]!.end();
  assert.equal(await second, 'A2');
  await turn();
  assert.deepEqual(sent().at(-1), ['a3', 'a4']);
  for (const call of calls) call.end();
  assert.deepEqual(await Promise.all([first, ...rest, other]), ['A1', 'A3', 'A4', 'B1']);
});

test('a call takes what fits, one item always', async () => {
  const { calls, travel, sent } = lines(5);
  const all = ['a-too-long', 'a22', 'a3', 'a4'].map(travel);
  await turn();
  await turn();
  assert.deepEqual(sent(), [['a-too-long'], ['a22', 'a3']]);
  calls[0]!.end();
  await turn();
  await turn();
  assert.deepEqual(sent().at(-1), ['a4']);
  for (const call of calls) call.end();
  assert.deepEqual(await Promise.all(all), ['A-TOO-LONG', 'A22', 'A3', 'A4']);
});

test('while two calls are under way one more leaves that is full', async () => {
  const { calls, travel, sent } = lines(5);
  const all = [];
  for (const item of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8']) {
    all.push(travel(item));
    await turn();
  }
  assert.deepEqual(sent(), [['a1'], ['a2'], ['a3', 'a4']]);
  while (calls.length < 5) {
    for (const call of calls) call.end();
    await turn();
  }
  assert.deepEqual(sent().slice(3), [
    ['a5', 'a6'],
    ['a7', 'a8'],
  ]);
  for (const call of calls) call.end();
  assert.deepEqual(await Promise.all(all), ['A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8']);
});

test("a call's failure is that of all who travel in it, and of nobody else", async () => {
  const { calls, travel } = lines();
  const lost = Promise.allSettled([travel('a1'), travel('a2')]);
  await turn();
  calls[0]!.end(new Error('lost'));
  assert.deepEqual(
    (await lost).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const next = travel('a3');
  await turn();
  calls[1]!.end();
  assert.equal(await next, 'A3');
});
