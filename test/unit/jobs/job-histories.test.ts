import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceError } from '../../../functions/errors.ts';
import { cancelJob, resumeJob, retryJob } from '../../../functions/jobs/control-job.ts';
import { readJob } from '../../../functions/jobs/read-job.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';
import { createJobsWorld, type Message } from './jobs-world.ts';
import { Killed } from './memory-storage.ts';

const input = 'raw/reviews.jsonl';
const records = 50;

/** Works off the queue with three workers: messages come twice, in any order, after kills, and with claims that have ended. */
async function workOff(world: ReturnType<typeof createJobsWorld>, random: () => number): Promise<void> {
  const waiting: Message[] = [];
  const deleted = new Set<string>();
  const take = (): Message | undefined => {
    for (const message of world.queue.splice(0)) {
      waiting.push(message);
      if (random() < 0.6) waiting.push({ ...message, id: random() < 0.8 ? message.id : `${message.id} again` });
    }
    return waiting.splice(Math.floor(random() * waiting.length), 1)[0];
  };
  const deliver = async (message: Message) => {
    let killed = false;
    const call = async () => {
      if (killed || random() < 0.02) {
        killed = true;
        throw new Killed();
      }
      for (let turns = Math.floor(random() * 4); turns > 0; turns--) await undefined;
    };
    // Time that is over leaves a part of the work to others; a claim that has ended, too, lets two do it at once.
    const deadline = random() < 0.15 ? 0 : Date.now() + (random() < 0.15 ? 0 : 1e9);
    // Of a message that is delivered twice at once the delivery that succeeds deletes it, whatever becomes of the other.
    const remove = () => {
      deleted.add(message.id);
      for (let at = waiting.length - 1; at >= 0; at--) if (waiting[at]!.id === message.id) waiting.splice(at, 1);
    };
    const comeAgain = () => void (deleted.has(message.id) || waiting.push(message));
    await world.work(message, call, deadline).then(remove, comeAgain);
  };
  const worker = async () => {
    for (let message = take(); message; message = take()) {
      await deliver(message);
      await interrupt(world, random);
    }
  };
  do await Promise.all([worker(), worker(), worker()]);
  while (world.queue.length + waiting.length > 0);
}

/** Cancels the job now and then, and resumes it as soon as it is CANCELLED, whoever still works on the attempt before. */
async function interrupt({ effects }: ReturnType<typeof createJobsWorld>, random: () => number): Promise<void> {
  const status = (await effects.findJob('j'))?.status;
  const refused = (error: ServiceError) => assert.equal(error.code, 'conflict');
  if (status === 'RUNNING' && random() < 0.1) await cancelJob('j', effects).catch(refused);
  if (status === 'CANCELLED') await resumeJob('j', effects).catch(refused);
}

test('in two hundred histories of a job, and of its retry, every record has one answer in its place', async (t) => {
  t.mock.method(console, 'log', () => {});
  const answers = await answersInCalm();
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(`job ${seed}`);
    let broken = true;
    const world = createJobsWorld({
      host: (_request, texts) => {
        if (broken && texts.some((text) => text.length > 3)) throw new ServiceError('model_rejected_input', 'too long');
      },
    });
    const lines = Array.from({ length: records }, (_, index) => {
      const inputs = random() < 0.1 ? 'good good' : random() < 0.05 ? 7 : random() < 0.5 ? 'good' : 'bad';
      return { custom_id: `r${index}`, inputs };
    });
    world.store(input, Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')));
    world.drop('j', { model: 'm', input });
    await workOff(world, random);
    check((line) => line.inputs === 'good' || line.inputs === 'bad', 1);
    const again = lines.some(({ inputs }) => inputs === 'good good' || inputs === 7);
    if (!again) continue;
    broken = false;
    await retryJob('j', world.effects);
    await workOff(world, random);
    check(({ inputs }) => inputs !== 7, 2);
    assert.equal((await readJob('j', world.effects)).status, 'COMPLETED', `seed ${seed}`);

    function check(succeeds: (line: (typeof lines)[number]) => boolean, attempt: number) {
      const manifest = world.manifest('j');
      assert.ok(manifest.attempt >= attempt, `seed ${seed}`);
      assert.equal(manifest.status, 'COMPLETED', `seed ${seed}`);
      const results = world.results('j').map(({ custom_id, output }) => [custom_id, output]);
      const expected = lines.filter(succeeds).map(({ custom_id, inputs }) => [custom_id, answers.get(String(inputs))]);
      assert.deepEqual(results, expected, `seed ${seed}`);
      const failed = lines.filter((line) => !succeeds(line)).map(({ custom_id }) => custom_id);
      assert.deepEqual(
        world.errors('j').map(({ custom_id }) => custom_id),
        failed,
        `seed ${seed}`,
      );
      const counts = { total: records, succeeded: records - failed.length, failed: failed.length };
      assert.deepEqual(manifest.counts, counts, `seed ${seed}`);
      const keys = [...world.objects.keys()].filter((key) => key.startsWith('results/')).sort();
      const named = [...manifest.parts.map(({ key }) => key), 'results/j/manifest.json'];
      assert.deepEqual(keys, [...named, ...(manifest.errors ? [manifest.errors] : [])].sort(), `seed ${seed}`);
      if (attempt > 1) return;
      for (const { key } of manifest.parts) assert.equal(world.writes.get(key), 1, `seed ${seed}, ${key}`);
    }
  }
});

/** What is answered to a text where nothing goes wrong. */
async function answersInCalm(): Promise<Map<string, unknown>> {
  const world = createJobsWorld();
  const texts = ['good', 'bad', 'good good'];
  world.store(input, Buffer.from(texts.map((inputs) => JSON.stringify({ inputs })).join('\n')));
  world.drop('j', { model: 'm', input });
  await world.drain();
  return new Map(world.results('j').map(({ output }, index) => [texts[index]!, output]));
}
