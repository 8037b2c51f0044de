import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOwnJob } from '../../../functions/http/own-job.ts';
import { createJob } from '../../../functions/jobs/create-job.ts';
import { giveJob } from '../../../functions/jobs/give-job.ts';
import { listJobs } from '../../../functions/jobs/read-job.ts';
import { workOnUpload } from '../../../functions/jobs/work-on-message.ts';
import { createJobsWorld } from './jobs-world.ts';

const input = 'raw/reviews.jsonl';
const request = { model: 'm', input };
const lines = Buffer.from('{"inputs": "good"}\n{"inputs": "bad"}\n');

test('a job is that of the key that asked for it, whoever is faster, and whatever is put in the place of its file', async () => {
  const world = createJobsWorld();
  world.store(input, lines);
  const { writeData } = world.effects;
  const woken = {
    ...world.effects,
    writeData: async (...given: Parameters<typeof writeData>) => {
      const written = await writeData(...given);
      await workOnUpload({ key: given[0], eventTime: '2026-11-27T05:00:00.000Z' }, world.effects);
      return written;
    },
  };
  await createJob(request, woken, { name: 'slow', owner: 'a' });
  const died = { ...world.effects, updateJob: async () => assert.fail('it died') };
  await assert.rejects(createJob(request, died, { name: 'died', owner: 'a' }), /it died/);
  await world.work({ id: 'm', upload: 'died' });
  world.drop('mended', JSON.stringify({ model: 'none', input, owner: 'a' }));
  await world.drain();
  world.drop('mended', JSON.stringify({ ...request, owner: 'b' }));
  await world.drain();
  const { jobs } = await listJobs({ limit: 10, owner: 'a' }, world.effects);
  assert.deepEqual(jobs.map(({ job, owner }) => [job, owner]).sort(), [
    ['died', 'a'],
    ['mended', 'a'],
    ['slow', 'a'],
  ]);
  assert.deepEqual(jobs[0]!.request, request);
  assert.equal((await listJobs({ limit: 10 }, world.effects)).jobs.length, 3);
  assert.deepEqual((await listJobs({ limit: 10, owner: 'b' }, world.effects)).jobs, []);

  world.objects.delete('jobs/slow.json');
  await assert.rejects(createJob(request, world.effects, { name: 'slow', owner: 'b' }), { code: 'conflict' });
});

test('where no keys are asked for every job is there; for a key its own alone', async () => {
  const world = createJobsWorld();
  world.drop('j', request);
  await world.drain();
  const apiKey = { id: 'a', name: 'a', prefix: 'lam_', createdAt: '' };
  assert.equal(await findOwnJob('j', {}, world.effects), 'j');
  await assert.rejects(findOwnJob('j', { apiKey }, world.effects), {
    code: 'not_found',
    message: "there is no job 'j' of this API key",
  });
  await assert.rejects(findOwnJob('j'.repeat(2000), {}, world.effects), { code: 'not_found' });
  await giveJob('j', 'a', { ...world.effects, listApiKeys: async () => [apiKey] });
  assert.equal(await findOwnJob('j', { apiKey }, world.effects), 'j');
  const revoked = { ...world.effects, listApiKeys: async () => [{ ...apiKey, revokedAt: 'now' }] };
  await assert.rejects(giveJob('j', 'a', revoked), { code: 'not_found', message: /no active key with the id 'a'/ });
});
