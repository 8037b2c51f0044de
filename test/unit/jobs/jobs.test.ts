import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeRecord } from '../../../functions/datasets/shard.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { cancelJob, resumeJob, retryJob } from '../../../functions/jobs/control-job.ts';
import { createJob } from '../../../functions/jobs/create-job.ts';
import { estimateJob } from '../../../functions/jobs/estimate-job.ts';
import { listJobs, readJob } from '../../../functions/jobs/read-job.ts';
import { readErrors, readResults } from '../../../functions/jobs/read-results.ts';
import { createJobsWorld } from './jobs-world.ts';

const input = 'raw/reviews.jsonl';
const request = { model: 'm', input };

/** `count` lines, good and bad in turn. */
function reviews(count: number, more: (index: number) => object = () => ({})): Buffer {
  const line = (_: unknown, index: number) =>
    JSON.stringify({ custom_id: `r${index}`, inputs: index % 2 === 0 ? 'good' : 'bad', ...more(index) });
  return Buffer.from(`${Array.from({ length: count }, line).join('\n')}\n`);
}

const best = ({ output }: { output: unknown }) => (output as { label: string }[][])[0]![0]!.label;

describe('a job over JSONL', () => {
  test('answers every line in its order, in chunks of whole lines', async () => {
    const world = createJobsWorld();
    world.store(input, reviews(90));
    world.drop('j', request);
    await world.drain();
    const results = world.results('j');
    assert.deepEqual(
      results.map(({ custom_id }) => custom_id),
      Array.from({ length: 90 }, (_, index) => `r${index}`),
    );
    assert.ok(results.every((line, index) => best(line) === (index % 2 === 0 ? 'positive' : 'negative')));
    const { status, counts, parts, model, modelVersion, labelled } = world.manifest('j');
    assert.deepEqual(
      { status, counts, parts: parts.map(({ records }) => records), model, modelVersion, labelled },
      {
        status: 'COMPLETED',
        counts: { total: 90, succeeded: 90, failed: 0 },
        parts: [20, 20, 20, 20, 10],
        ...{ model: 'm', modelVersion: '1', labelled: false },
      },
    );
    assert.equal(world.rows(), 90);
    assert.deepEqual(
      [...world.objects.keys()].filter((key) => !/^(raw|jobs|work|results)\//.test(key)),
      [],
    );
  });

  test('a bad line is an error line that says what is wrong, and not the end', async () => {
    const world = createJobsWorld();
    const lines = [
      '\ufeff{"inputs": "good"}',
      '{"custom_id": 7, "inputs": "bad", "parameters": {"top_k": 1}, "label": "negative", "group": "g"}',
      '',
      'no JSON',
      '{"custom_id": "x"}',
      '{"custom_id": "y", "inputs": "good", "parameters": {"topk": 1}}',
      '{"inputs": 1}',
      '  \r',
      '{"inputs": "good"}\r',
    ];
    world.store(input, Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0xff])]));
    world.drop('j', request);
    await world.drain();
    const results = world.results('j');
    assert.deepEqual(
      results.map(({ custom_id, label, group }) => ({ custom_id, label, group })),
      [
        { custom_id: 'line-1', label: undefined, group: undefined },
        { custom_id: '7', label: 'negative', group: 'g' },
        { custom_id: 'line-9', label: undefined, group: undefined },
      ],
    );
    assert.equal((results[1]!.output as object[][])[0]!.length, 1);
    const errors = world.errors('j');
    assert.deepEqual(
      errors.map(({ custom_id, record }) => [custom_id, record]),
      [
        ['line-4', 2],
        ['x', 3],
        ['y', 4],
        ['line-7', 5],
        ['line-10', 7],
      ],
    );
    const messages = [/not valid JSON/, /^inputs is missing/, /unknown field 'topk'/, /^inputs is 1/, /in UTF-8/];
    for (const [index, message] of messages.entries()) assert.match(errors[index]!.error.message, message);
    assert.deepEqual(world.manifest('j').counts, { total: 8, succeeded: 3, failed: 5 });
  });

  test('that has labels is asked for the scores of all of them', async () => {
    const world = createJobsWorld();
    world.store(
      input,
      reviews(2, () => ({ label: 'positive' })),
    );
    world.drop('j', request);
    await world.drain();
    const { labelled, parameters } = world.manifest('j');
    assert.deepEqual({ labelled, parameters }, { labelled: true, parameters: { top_k: 2 } });
  });

  test('a record of which the host dies is an error of its own; the others are answered', async () => {
    const world = createJobsWorld({
      host: (_request, texts) => {
        if (texts.some((text) => text.length > 4)) throw new ServiceError('host_unavailable', 'the host ended');
      },
    });
    world.store(
      input,
      reviews(20, (index) => (index === 7 ? { inputs: 'good good good' } : {})),
    );
    world.drop('j', request);
    await world.drain();
    assert.deepEqual(world.manifest('j').counts, { total: 20, succeeded: 19, failed: 1 });
    assert.deepEqual(world.errors('j'), [
      {
        ...{ custom_id: 'r7', chunk: 0, record: 7 },
        error: { code: 'host_unavailable', message: 'the host ended' },
      },
    ]);
  });

  test('with an endpoint is answered by that path of the API', async () => {
    const world = createJobsWorld();
    const line = (url: string) => JSON.stringify({ custom_id: url, method: 'POST', url, body: { x: 1 } });
    world.store(input, Buffer.from(line('/v1/echo')));
    world.drop('j', { endpoint: '/v1/echo', input });
    await world.drain();
    assert.deepEqual(world.results('j'), [{ custom_id: '/v1/echo', output: { status_code: 200, body: { x: 1 } } }]);
  });

  test('with an endpoint is refused as a whole for a line that is no request, and planned when it is mended', async (t) => {
    t.mock.method(console, 'log', () => {});
    const world = createJobsWorld();
    const line = (url: string) => JSON.stringify({ custom_id: url, method: 'POST', url, body: { x: 1 } });
    world.store(input, Buffer.from([line('/v1/echo'), line('/v1/other')].join('\n')));
    world.drop('j', { endpoint: '/v1/echo', input });
    await world.drain();
    const message = "url is '/v1/other'; this job asks /v1/echo";
    const { status, reason, problems } = await readJob('j', world.effects);
    assert.deepEqual([status, reason], ['FAILED', `line 2: ${message}`]);
    assert.deepEqual(problems, [{ code: 'url_mismatch', message, param: 'url', line: 2 }]);
    world.store(input, Buffer.from(line('/v1/echo')));
    await resumeJob('j', world.effects);
    await world.drain();
    const mended = await readJob('j', world.effects);
    assert.deepEqual([mended.status, mended.counts.succeeded, mended.problems], ['COMPLETED', 1, undefined]);
  });
});

test('a job over a prepared data set answers the records of a split, with labels, groups and sources', async () => {
  const world = createJobsWorld();
  const record = (id: number) => ({
    ...{ id: id.toString(16).padStart(24, '0'), inputs: id % 2 === 0 ? 'good' : 'bad', source: `raw/d/${id}.txt` },
    ...{ label: 'positive', group: `g${id}` },
  });
  const shard = (name: string, ids: number[]) => {
    const key = `prepared/d/0123456789abcdef/${name}.jsonl`;
    const body = Buffer.concat(ids.map((id) => encodeRecord(record(id), 'jsonl')));
    world.store(key, body);
    return { key, records: ids.length, bytes: body.length, sha256: 'a'.repeat(64) };
  };
  const split = (shards: ReturnType<typeof shard>[]) => ({ records: 3, augmented: 0, shards });
  const hash = 'a'.repeat(64);
  const manifest = {
    ...{ dataset: 'd', run: '0123456789abcdef', task: 'text-classification', sequencer: '1' },
    createdAt: '2026-11-27T05:00:00.000Z',
    counts: { in: 5, kept: 5, augmented: 0, dropped: {} },
    splits: {
      train: split([shard('train-00000', [9])]),
      test: split([shard('test-00000', [1, 2]), shard('test-00001', [3])]),
    },
    hashes: { definition: hash, raw: hash, shards: hash },
    statistics: { labels: {}, measures: {} },
  };
  world.store('prepared/d/manifest.json', Buffer.from(JSON.stringify(manifest)));
  world.drop('test', { model: 'm', dataset: 'd' });
  world.drop('all', { model: 'm', dataset: 'd', split: 'all' });
  world.drop('none', { model: 'm', dataset: 'd', split: 'other' });
  await world.drain();
  assert.deepEqual(
    world.results('test').map(({ output, ...line }) => line),
    [1, 2, 3].map((id) => {
      const { id: custom_id, label, group, source } = record(id);
      return { custom_id, label, group, source };
    }),
  );
  const { dataset, labelled, counts } = world.manifest('test');
  assert.deepEqual(dataset?.shards, [
    { key: 'prepared/d/0123456789abcdef/test-00000.jsonl', records: 2 },
    { key: 'prepared/d/0123456789abcdef/test-00001.jsonl', records: 1 },
  ]);
  assert.deepEqual({ labelled, counts }, { labelled: true, counts: { total: 3, succeeded: 3, failed: 0 } });
  assert.equal(world.results('all').length, 4);
  assert.match(world.manifest('none').reason ?? '', /^data set d has no split 'other'; it has: train, test, all$/);
});

describe('a job that cannot be planned', () => {
  const cases: [object | string, RegExp][] = [
    ['{', /jobs\/j\.json is not valid JSON/],
    [{ model: 'm' }, /either dataset or input is needed/],
    [{ model: 'other', input }, /no model is named 'other'/],
    [{ model: 'm', input: 'raw/none' }, /the data bucket has no 'raw\/none'/],
    [{ model: 'm', dataset: 'none' }, /no data set 'none' has been prepared/],
    [{ model: 'm', input: 'raw/empty' }, /there are no records/],
    [{ model: 'm', input, maxRecords: 4 }, /there are 5 records; maxRecords is 4/],
    [{ endpoint: '/v1/none', input }, /no such endpoint/],
  ];
  for (const [given, reason] of cases) {
    test(`ends as FAILED, asks no model, and is planned when its file is mended: ${reason}`, async (t) => {
      t.mock.method(console, 'log', () => {});
      const world = createJobsWorld();
      world.store(input, reviews(5));
      world.store('raw/empty', Buffer.from('\n\n'));
      world.drop('j', given as string);
      await world.drain();
      const { status, reason: told, counts } = world.manifest('j');
      assert.equal(status, 'FAILED');
      assert.match(told ?? '', reason);
      assert.deepEqual([counts.total, world.rows()], [0, 0]);
      assert.equal((await readJob('j', world.effects)).reason, told);
      world.drop('j', request);
      await world.drain();
      assert.equal((await readJob('j', world.effects)).status, 'COMPLETED');
      assert.equal(world.results('j').length, 5);
    });
  }

  test('for its name is told so where jobs are listed', async (t) => {
    t.mock.method(console, 'log', () => {});
    const world = createJobsWorld();
    world.drop('My job', request);
    await world.drain();
    const { jobs } = await listJobs({ limit: 10 }, world.effects);
    assert.match(jobs[0]!.reason ?? '', /the name of a job is the file's without \.json: a-z, 0-9/);
  });
});

describe('a job can be', () => {
  test('cancelled at any message, and resumed: nothing is asked twice, and all is answered', async () => {
    for (let at = 0; at < 6; at++) {
      const world = createJobsWorld();
      world.store(input, reviews(90));
      await createJob(request, world.effects, { name: 'j' });
      world.queue.push({ id: 'upload', upload: 'j' });
      for (let message = 0; message < at; message++) await world.work(world.queue.shift()!);
      await cancelJob('j', world.effects);
      await world.drain();
      const { status, counts, parts } = world.manifest('j');
      assert.equal(status, 'CANCELLED', `message ${at}`);
      assert.equal(counts.succeeded, 20 * Math.max(0, at - 1));
      assert.equal(parts.length, Math.max(0, at - 1));
      await resumeJob('j', world.effects);
      await world.drain();
      assert.equal(world.manifest('j').status, 'COMPLETED');
      assert.equal(world.results('j').length, 90);
      assert.equal(world.rows(), 90);
    }
  });

  test('stopped once more records have failed than it allows, and goes on when they are retried', async (t) => {
    t.mock.method(console, 'log', () => {});
    let broken = true;
    const world = createJobsWorld({
      host: (_request, texts) => {
        if (broken && texts.some((text) => text.includes(6n)))
          throw new ServiceError('model_rejected_input', 'not bad');
      },
    });
    world.store(input, reviews(100));
    world.drop('j', { ...request, maxErrorsPercent: 25 });
    await world.drain();
    const stopped = world.manifest('j');
    assert.equal(stopped.status, 'FAILED');
    assert.equal(stopped.reason, '30 of 100 records have failed; maxErrorsPercent is 25');
    assert.deepEqual(stopped.counts, { total: 100, succeeded: 30, failed: 30 });
    assert.equal(world.results('j').length, 30);
    broken = false;
    await retryJob('j', world.effects);
    await world.drain();
    const { status, counts, attempt } = world.manifest('j');
    assert.deepEqual(
      { status, counts, attempt },
      { status: 'COMPLETED', counts: { total: 100, succeeded: 100, failed: 0 }, attempt: 2 },
    );
  });

  test('retried: records that have failed are asked again, and stand in their places', async () => {
    let broken = true;
    let asked = 0;
    const world = createJobsWorld({
      host: (_request, texts) => {
        asked += texts.length;
        if (broken && texts.some((text) => text.length > 4)) throw new ServiceError('model_rejected_input', 'too long');
      },
    });
    world.store(
      input,
      reviews(60, (index) => (index % 10 === 3 ? { inputs: 'good good good' } : index === 5 ? { inputs: 1 } : {})),
    );
    world.drop('j', request);
    await world.drain();
    const before = world.results('j');
    assert.deepEqual(world.manifest('j').counts, { total: 60, succeeded: 53, failed: 7 });
    [broken, asked] = [false, 0];
    await retryJob('j', world.effects);
    await world.drain();
    assert.equal(asked, 6);
    const after = world.results('j');
    assert.deepEqual(
      after.map(({ custom_id }) => custom_id),
      Array.from({ length: 60 }, (_, index) => `r${index}`).filter((id) => id !== 'r5'),
    );
    const kept = new Map(after.map((line) => [line.custom_id, line]));
    for (const line of before) assert.deepEqual(kept.get(line.custom_id), line);
    const { counts, attempt } = world.manifest('j');
    assert.deepEqual({ counts, attempt }, { counts: { total: 60, succeeded: 59, failed: 1 }, attempt: 2 });
    assert.deepEqual(
      world.errors('j').map(({ custom_id, chunk, record }) => [custom_id, chunk, record]),
      [['r5', 0, 5]],
    );
    await assert.rejects(resumeJob('j', world.effects), {
      code: 'conflict',
      message: 'job j cannot be resumed: it is COMPLETED',
    });
    await assert.rejects(cancelJob('none', world.effects), { code: 'not_found' });
  });

  test('refused a retry where nothing has failed', async () => {
    const world = createJobsWorld();
    world.store(input, reviews(3));
    world.drop('j', request);
    await world.drain();
    await assert.rejects(retryJob('j', world.effects), { code: 'conflict', message: 'no record of job j has failed' });
  });
});

test('chunks whose messages are given up leave a FAILED job with what was answered; redriven, they complete it', async (t) => {
  t.mock.method(console, 'log', () => {});
  let away = false;
  const world = createJobsWorld({
    host: () => {
      if (away) throw new ServiceError('host_unavailable', 'no answer from the host');
    },
  });
  world.store(input, reviews(60));
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  await world.work(world.queue.shift()!);
  away = true;
  const dead = [...world.queue];
  await world.drain();
  const failed = world.manifest('j');
  assert.equal(failed.status, 'FAILED');
  assert.equal(failed.reason, '2 of 3 chunks could not be run: no answer from the host');
  assert.deepEqual(failed.counts, { total: 60, succeeded: 20, failed: 0 });
  away = false;
  world.queue.push(...dead);
  await world.drain();
  assert.deepEqual(world.manifest('j').counts, { total: 60, succeeded: 60, failed: 0 });
  assert.equal((await readJob('j', world.effects)).status, 'COMPLETED');
  assert.equal((await readJob('j', world.effects)).reason, undefined);
});

test('a chunk that takes longer than an invocation is put aside and gone on with', async () => {
  const world = createJobsWorld();
  world.store(input, reviews(20));
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  let invocations = 0;
  for (let message = world.queue.shift(); message; message = world.queue.shift()) {
    invocations += 1;
    // Its time is over as soon as it has begun.
    await world.work(message, undefined, Date.now());
  }
  assert.equal(invocations, 21);
  assert.equal(world.rows(), 20);
  assert.equal(world.results('j').length, 20);
});

test('what goes on with a chunk may come as soon as it is sent', async () => {
  const world = createJobsWorld();
  world.store(input, reviews(20));
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  const message = world.queue.shift()!;
  const atOnce = async () => {
    const next = world.queue.shift();
    if (next) await world.work(next);
  };
  await world.work(message, atOnce, Date.now());
  assert.equal(world.results('j').length, 20);
});

test('an input that was replaced after it was planned is not mixed up: the job fails and says so', async (t) => {
  t.mock.method(console, 'log', () => {});
  const world = createJobsWorld();
  world.store(input, reviews(60));
  world.drop('j', request);
  await world.work(world.queue.shift()!);
  world.objects.delete(input);
  await world.drain();
  assert.match(world.manifest('j').reason ?? '', /3 of 3 chunks could not be run: 'raw\/reviews.jsonl' is not there/);
});

describe('over the API a job', () => {
  test('is named, made once, and listed with the latest first, page by page', async () => {
    const world = createJobsWorld();
    world.store(input, reviews(3));
    const names: string[] = [];
    for (let index = 0; index < 5; index++) {
      names.push((await createJob(request, world.effects, { name: `job-${index}` })).job);
      await new Promise((next) => setTimeout(next, 2));
    }
    const first = await listJobs({ limit: 3 }, world.effects);
    const second = await listJobs({ limit: 3, before: first.next }, world.effects);
    assert.deepEqual(
      [first, second].map(({ jobs }) => jobs.map(({ job }) => job)),
      [names.toReversed().slice(0, 3), names.toReversed().slice(3)],
    );
    assert.equal(second.next, undefined);
    await assert.rejects(createJob(request, world.effects, { name: 'job-1' }), { code: 'conflict' });
    await assert.rejects(createJob(request, world.effects, { name: 'No name' }), { code: 'invalid_request' });
    await assert.rejects(createJob({ ...request, model: 'x' }, world.effects), { code: 'model_not_found' });
    assert.match((await createJob(request, world.effects)).job, /^job-\d{8}-\d{6}-[0-9a-f]{6}$/);
  });

  test('tells how far it has come, and its results when it has ended', async () => {
    const world = createJobsWorld();
    world.store(
      input,
      reviews(40, (index) => (index === 1 ? { inputs: 1 } : {})),
    );
    world.drop('j', request);
    await world.work(world.queue.shift()!);
    await world.work(world.queue.shift()!);
    const running = await readJob('j', world.effects);
    assert.deepEqual(running.counts, { total: 40, succeeded: 19, failed: 1 });
    assert.deepEqual(running.chunks, { total: 2, done: 1, givenUp: 0 });
    assert.ok(running.recordsPerSecond! > 0 && running.secondsLeft! >= 0);
    await assert.rejects(readResults('j', undefined, world.effects), { code: 'conflict', message: /j is RUNNING/ });
    await world.drain();
    const text = async (chunks: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(chunks)).toString();
    const count = (lines: string) => lines.split('\n').length - 1;
    assert.equal(count(await text(await readResults('j', undefined, world.effects))), 39);
    assert.equal(count(await text(await readResults('j', 1, world.effects))), 20);
    assert.equal(count(await text(await readErrors('j', world.effects))), 1);
    await assert.rejects(readResults('j', 2, world.effects), { code: 'not_found' });
    await assert.rejects(readResults('none', undefined, world.effects), { code: 'not_found' });
  });

  test('is estimated by answers to its first records, which are not kept', async () => {
    const world = createJobsWorld();
    world.store(input, reviews(1000));
    const entry = { name: 'm', aliases: {}, versions: ['1'], revision: 1 };
    const effects = { ...world.effects, readModelEntry: async () => entry };
    const { sample, seconds, costUsd, ...estimate } = await estimateJob(request, effects, Date.now() + 60_000);
    assert.deepEqual(estimate, { records: 1000, chunks: 25, requests: 1000, workers: 5 });
    assert.deepEqual({ ...sample, seconds: 0 }, { records: 32, failed: 0, seconds: 0 });
    assert.ok(seconds! >= 0 && costUsd! > 0 && costUsd! < 1);
    assert.deepEqual([...world.objects.keys()], [input]);
  });
});
