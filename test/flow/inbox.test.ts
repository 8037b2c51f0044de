import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushPackage } from '../../commands/push-package.ts';
import { readConfig } from '../../functions/config.ts';
import { createServices } from '../../functions/create-services.ts';
import { deadLettersOf } from '../../local/sqs/sqs.ts';
import { temporaryState } from './run-platform.ts';
import { runWayB } from './run-way-b.ts';

const kills = 24;
/** Calls for one file, and their answers, that a worker makes at least when it has just started. */
const callsOfOne = 20;
const name = 'predict-inbox';

test(`${kills} kills of the worker at its calls lose, double and orphan nothing`, async (t) => {
  const temporary = await temporaryState();
  const platform = await runWayB(temporary.state, name);
  t.after(async () => {
    await platform.close();
    await temporary.remove();
  });
  const services = createServices(readConfig(process.env));
  assert.equal((await pushPackage('models/sentiment', services)).status, 'READY');

  let [calls, killAt] = [0, 0];
  const killed: Promise<void>[] = [];
  platform.onCall(() => {
    calls += 1;
    if (calls === killAt) killed.push(platform.kill());
  });
  const texts = ['The battery lasts for days. Great phone!', 'Bad. A waste of money.'];
  const keyOf = (index: number) => `sentiment${index % 3 === 0 ? '@production' : ''}/day ${index}/50 % + 🐈.txt`;
  // A worker that still remembers the model makes fewer calls than a fresh one, and may end before its kill is due.
  let uploads = 0;
  for (; killed.length < kills && uploads < 2 * kills; uploads++) {
    [calls, killAt] = [0, uploads && 1 + (uploads % callsOfOne)];
    await platform.upload(`inbox/${keyOf(uploads)}`, texts[uploads % 2]!);
    await platform.idle();
  }
  assert.equal(killed.length, kills);
  await Promise.all(killed);

  assert.deepEqual(platform.sqs.queue(deadLettersOf(name)).counts(), { visible: 0, inFlight: 0, delayed: 0 });
  const indexes = Array.from({ length: uploads }, (_, index) => index);
  const expected = indexes.map((index) => `outbox/${keyOf(index)}.json`);
  assert.deepEqual(new Set(await platform.list('outbox/')), new Set(expected));
  assert.equal((await platform.list('answers/')).length, expected.length);
  for (const index of indexes) {
    const document = JSON.parse(String(await services.readData(expected[index]!)));
    assert.equal(document.output[0][0].label, index % 2 === 0 ? 'positive' : 'negative', keyOf(index));
    assert.equal(document.input.key, `inbox/${keyOf(index)}`);
  }
});
