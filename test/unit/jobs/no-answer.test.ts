import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ServiceError } from '../../../functions/errors.ts';
import { resumeJob } from '../../../functions/jobs/control-job.ts';
import { createJob } from '../../../functions/jobs/create-job.ts';
import { readJob } from '../../../functions/jobs/read-job.ts';
import { NoAnswer } from '../../../functions/no-answer.ts';
import { createJobsWorld } from './jobs-world.ts';

const input = 'raw/reviews.jsonl';
const request = { model: 'm', input };
const told = 'the last of 5 attempts ended without an answer, most likely out of memory or time';

function start(t: TestContext) {
  t.mock.method(console, 'log', () => {});
  const world = createJobsWorld();
  const lines = Array.from({ length: 60 }, (_, index) => `{"custom_id": "r${index}", "inputs": "good"}\n`);
  world.store(input, Buffer.from(lines.join('')));
  return world;
}

test('a job of which one chunk has ended its worker at every attempt is FAILED with the rest answered; redriven, it is COMPLETED', async (t) => {
  const world = start(t);
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  const deadly = world.queue.shift()!;
  await world.drain();
  assert.equal((await readJob('j', world.effects)).status, 'RUNNING');
  await world.giveUp(deadly, new NoAnswer());
  const { status, reason, counts } = world.manifest('j');
  assert.deepEqual([status, reason], ['FAILED', `1 of 3 chunks could not be run: ${told}`]);
  assert.deepEqual(counts, { total: 60, succeeded: 40, failed: 0 });

  world.queue.push(deadly);
  await world.drain();
  await world.giveUp(deadly, new NoAnswer());
  assert.equal((await readJob('j', world.effects)).status, 'COMPLETED');
  assert.equal(world.manifest('j').counts.succeeded, 60);
});

test('why the last attempt at a chunk has failed is not lost when it is told that none is left', async (t) => {
  const world = start(t);
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  const [first, ...others] = world.queue.splice(0);
  await world.giveUp(first!, new ServiceError('host_unavailable', 'no answer from the host'));
  await world.giveUp(first!, new NoAnswer());
  world.queue.push(...others);
  await world.drain();
  assert.equal(world.manifest('j').reason, '1 of 3 chunks could not be run: no answer from the host');
});

test('a job whose planning has ended its worker at every attempt is FAILED, and is planned when it is resumed', async (t) => {
  const world = start(t);
  await createJob(request, world.effects, { name: 'j' });
  const state = async () => {
    const { status, reason } = await readJob('j', world.effects);
    return [status, reason];
  };
  await world.giveUp({ id: 'upload', upload: 'j' }, new NoAnswer());
  assert.deepEqual(await state(), ['FAILED', told]);
  await resumeJob('j', world.effects);
  await world.giveUp(world.queue.shift()!, new NoAnswer());
  assert.deepEqual(await state(), ['FAILED', told]);
  await resumeJob('j', world.effects);
  await world.giveUp({ id: 'late', job: 'j', attempt: 2 }, new NoAnswer());
  assert.deepEqual(await state(), ['PLANNING', undefined]);
  await world.drain();
  assert.deepEqual(await state(), ['COMPLETED', undefined]);
});
