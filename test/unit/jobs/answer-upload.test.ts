import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Upload } from '../../../functions/jobs/answer-upload.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';
import { inboxAnswerKey, outboxKey } from '../../../functions/storage/object-keys.ts';
import { createWorld } from './inbox-world.ts';
import { Killed } from './memory-storage.ts';

const later = () => Date.now() + 1e9;
const calm = async () => {};

describe('one file', () => {
  const ask = async (key: string, body: Buffer) => {
    const world = createWorld();
    const upload = world.upload(key, body);
    await world.answer(upload, 'message', calm, later());
    const outbox = [...world.objects.keys()].filter((name) => name.startsWith('outbox/'));
    const text = world.objects.get(outbox[0] ?? '')?.body.toString() ?? '{}';
    return { outbox, answer: JSON.parse(text), upload };
  };

  test('is answered beside its name with model, timings and digest', async () => {
    const { outbox, answer, upload } = await ask('inbox/m/holiday/cat 1+1%.txt', Buffer.from('good'));
    assert.deepEqual(outbox, ['outbox/m/holiday/cat 1+1%.txt.json']);
    const { timings, output, ...rest } = answer;
    assert.deepEqual(rest, {
      input: { ...upload, size: 4, sha256: '770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c' },
      model: 'm',
      modelVersion: '1',
      task: 'text-classification',
    });
    assert.equal(output[0][0].label, 'positive');
    assert.ok(timings.totalMilliseconds >= timings.inferMilliseconds);
  });

  test('that is JSON brings its parameters', async () => {
    const body = Buffer.from('{"inputs": "good", "parameters": {"top_k": 1}}');
    assert.equal((await ask('inbox/m/a.json', body)).answer.output[0].length, 1);
  });

  test('that can never be answered gets the reason', async () => {
    for (const [key, body, message] of [
      ['inbox/m/bytes', Buffer.from([0xff]), 'the file is not text in UTF-8'],
      ['inbox/m/a.json', Buffer.from('{'), /^the file is not valid JSON/],
      ['inbox/m/a.json', Buffer.from('{"inputs": 1}'), /^inputs is 1/],
      ['inbox/other/a', Buffer.from('good'), "no model is named 'other'"],
    ] as const) {
      const { outbox, answer } = await ask(key, body);
      assert.deepEqual(outbox, [`outbox${key.slice('inbox'.length)}.error.json`]);
      assert.match(answer.error.message, new RegExp(message));
    }
  });

  test('is no folder, and one that was removed or replaced before its turn is not answered', async () => {
    assert.deepEqual((await ask('inbox/m/folder/', Buffer.alloc(0))).outbox, []);
    const world = createWorld();
    const first = world.upload('inbox/m/a', Buffer.from('good'));
    const second = world.upload('inbox/m/a', Buffer.from('bad'));
    await world.answer(first, 'first', calm, later());
    assert.equal(world.objects.size, 1);
    await world.answer(second, 'second', calm, later());
    assert.equal(world.objects.size, 3);
    world.objects.clear();
    await world.answer(
      world.upload('inbox/m/b', Buffer.from('good')),
      'third',
      async () => {
        world.objects.delete('inbox/m/b');
      },
      later(),
    );
    assert.equal(world.objects.size, 0);
  });
});

test('a message that comes again finds its answer and asks the model no more', async () => {
  const world = createWorld();
  const upload = world.upload('inbox/m/a', Buffer.from('good'));
  for (let times = 0; times < 3; times++) await world.answer(upload, 'message', calm, later());
  assert.equal(world.inferences(), 1);
  assert.ok([...world.writes.values()].every((writes) => writes === 1));
});

test('at whatever call of an older version a newer one is uploaded and answered, the outbox ends with the newer', async () => {
  const [good, bad] = [Buffer.from('good'), Buffer.from([0xff])];
  for (const [first, second] of [
    [good, good],
    [good, bad],
    [bad, good],
    [bad, bad],
  ] as const) {
    let calls = 0;
    for (let at = 1; ; at++) {
      const world = createWorld();
      const older = world.upload('inbox/m/a', first);
      calls = 0;
      await world.answer(
        older,
        'older',
        async () => {
          calls += 1;
          if (calls === at) await world.answer(world.upload('inbox/m/a', second), 'newer', calm, later());
        },
        later(),
      );
      if (calls < at) break;
      const outbox = [...world.objects].filter(([key]) => key.startsWith('outbox/'));
      const [key, { body }] = outbox[0]!;
      assert.equal(outbox.length, 1, `call ${at}`);
      assert.equal(key, outboxKey('inbox/m/a', second === bad), `call ${at}`);
      assert.notEqual(JSON.parse(String(body)).input.versionId, older.versionId, `call ${at}`);
    }
  }
});

test('a key of any length has an outbox key of its own that is no longer than S3 allows', () => {
  const long = `inbox/m/${'🐈'.repeat(254)}`;
  assert.equal(Buffer.byteLength(long), 1024);
  const keys = [long, `${long.slice(0, -2)}🐕`].map((key) => outboxKey(key, true));
  assert.equal(new Set(keys).size, 2);
  for (const key of keys) {
    assert.ok(Buffer.byteLength(key) <= 1024 && key.isWellFormed() && !key.includes('\ufffd'));
    assert.match(key, /^outbox\/m\/🐈+~[0-9a-f]{16}\.error\.json$/u);
  }
});

/** Uploads, some of them new versions, with events that come twice, late, again after kills, and several at once. */
async function history(seed: string) {
  const random = seededRandom(seed);
  const world = createWorld();
  const events: { upload: Upload; messageId: string }[] = [];
  const newest = new Map<string, string>();
  for (let i = 0; i < 8; i++) {
    const key = `inbox/${random() < 0.1 ? 'other' : 'm'}/${Math.floor(random() * 6)}`;
    events.push({ upload: { key, versionId: '', sequencer: '' }, messageId: `m${i}` });
  }
  const waiting: typeof events = [];
  const deliver = async (message: (typeof events)[number]) => {
    let killed = false;
    const call = async () => {
      if (killed || random() < 0.03) {
        killed = true;
        throw new Killed();
      }
      for (let turns = Math.floor(random() * 4); turns > 0; turns--) await undefined;
    };
    // A claim that has ended lets two work on one version at once.
    const deadline = random() < 0.3 ? 0 : later();
    await world.answer(message.upload, message.messageId, call, deadline).catch((error) => {
      assert.ok(error instanceof Killed, error);
      waiting.push(message);
    });
  };
  const workers = async () => {
    for (let message = take(waiting, random); message; message = take(waiting, random)) await deliver(message);
  };
  for (const { upload, messageId } of events) {
    const body = random() < 0.15 ? Buffer.from([0xff]) : Buffer.from(`good ${messageId}`);
    const made = world.upload(upload.key, body);
    newest.set(made.key, made.versionId);
    waiting.push({ upload: made, messageId });
    if (random() < 0.3) waiting.push({ upload: made, messageId: `${messageId} again` });
    if (random() < 0.5) await Promise.all([workers(), workers(), workers()]);
  }
  while (waiting.length > 0) await Promise.all([workers(), workers(), workers()]);
  return { world, newest };
}

function take<T>(values: T[], random: () => number): T | undefined {
  return values.splice(Math.floor(random() * values.length), 1)[0];
}

test('in a thousand histories each version has one answer, and the outbox the newest one, byte for byte', async (t) => {
  t.mock.method(console, 'log', () => {});
  for (let seed = 0; seed < 1000; seed++) {
    const { world, newest } = await history(String(seed));
    const keys = [...world.objects.keys()];
    for (const [key, versionId] of newest) {
      const answer = world.objects.get(inboxAnswerKey(key, versionId))?.body;
      const published = [false, true].map((failed) => world.objects.get(outboxKey(key, failed))?.body).filter(Boolean);
      assert.deepEqual(published, [answer], `seed ${seed}, ${key}`);
      assert.equal(JSON.parse(String(answer)).input.versionId, versionId, `seed ${seed}, ${key}`);
    }
    assert.equal(keys.filter((key) => key.startsWith('outbox/')).length, newest.size, `seed ${seed}`);
    for (const key of keys.filter((name) => name.startsWith('answers/'))) {
      assert.equal(world.writes.get(key), 1, `seed ${seed}, ${key}`);
    }
    assert.ok(keys.every((key) => /^(inbox|outbox|answers)\//.test(key)));
  }
});
