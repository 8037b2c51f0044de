import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { addOneModel, loopModel } from '../onnx-model.ts';
import { pushModel } from './push-model.ts';
import { compileCache, type RunningPlatform, runPlatform, runToEnd, temporaryState } from './run-platform.ts';

const root = new URL('../../', import.meta.url).pathname;
const picture = readFileSync(join(root, 'models/digits/golden/7.png'));
const json = { 'content-type': 'application/json' };

describe('npm start', () => {
  let platform: RunningPlatform;
  let temporary: Awaited<ReturnType<typeof temporaryState>>;
  before(async () => {
    temporary = await temporaryState();
    platform = await runPlatform(temporary.state);
  });
  after(async () => {
    await platform.end();
    await temporary.remove();
  });

  test('the three curl lines that it prints work as printed', () => {
    const lines = platform.printed().match(/curl .*$/gm) ?? [];
    assert.equal(lines.length, 3);
    const answers = lines.map((line) =>
      JSON.parse(execFileSync('sh', ['-c', `${line} -s`], { cwd: root, encoding: 'utf8' })),
    );
    assert.equal(answers[0][0].label, '7');
    assert.equal(answers[1][0][0].label, 'positive');
    assert.deepEqual(answers[2].outputs[0].shape, [1, 2]);
  });

  test('a picture is answered raw, in base64 and with parameters', async () => {
    const raw = await platform.request('/models/digits', { method: 'POST', body: picture });
    const labels = (await raw.json()) as { label: string; score: number }[];
    assert.equal(labels.length, 5);
    assert.equal(labels[0]?.label, '7');
    assert.equal(raw.headers.get('x-lambent-model-version'), '1');
    const body = JSON.stringify({ inputs: picture.toString('base64'), parameters: { top_k: 1 } });
    const top = await platform.request('/models/digits@production', { method: 'POST', headers: json, body });
    assert.deepEqual(await top.json(), labels.slice(0, 1));
  });

  test('statistics count what came by any API', async () => {
    const read = async () => {
      const answer = await platform.request('/v2/models/digits/stats');
      const { model_stats } = (await answer.json()) as { model_stats: { inference_count: number }[] };
      return model_stats[0]!.inference_count;
    };
    const before = await read();
    await platform.request('/models/digits', { method: 'POST', body: picture });
    assert.equal(await read(), before + 1);
  });

  test('HEAD is answered as GET is, without a body, and needs a key where GET does', async () => {
    const head = await platform.request('/v2/models/digits', { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'application/json']);
    assert.equal(await head.text(), '');
    assert.equal((await platform.request('/models/none', { method: 'HEAD' })).status, 404);
    assert.equal((await fetch(`${platform.url}/v2/health/live`, { method: 'HEAD' })).status, 200);
    assert.equal((await fetch(`${platform.url}/v2/health/live/`)).status, 200);
    assert.equal((await fetch(`${platform.url}/v2`, { method: 'HEAD' })).status, 401);
    const infer = await platform.request('/v2/models/digits/infer', { method: 'HEAD' });
    assert.deepEqual([infer.status, infer.headers.get('allow')], [405, 'POST, OPTIONS']);
  });

  test('a tensor is answered in JSON and in binary with the same numbers', async () => {
    const ids = new BigInt64Array([5n, 9n, 12n]);
    const input = (name: string, values: BigInt64Array) => ({ name, datatype: 'INT64', shape: [1, 3], values });
    const inputs = [input('input_ids', ids), input('attention_mask', new BigInt64Array([1n, 1n, 1n]))];
    const text = JSON.stringify({
      id: 'q1',
      inputs: inputs.map(({ values, ...tensor }) => ({ ...tensor, data: [...values].map(Number) })),
    });
    const path = '/v2/models/sentiment/versions/1/infer';
    const gzip = { ...json, 'content-encoding': 'gzip' };
    const plain = await (await platform.request(path, { method: 'POST', headers: gzip, body: gzipSync(text) })).json();
    assert.equal((plain as { id: string }).id, 'q1');

    const header = JSON.stringify({
      inputs: inputs.map(({ values, ...tensor }) => ({
        ...tensor,
        parameters: { binary_data_size: values.byteLength },
      })),
      outputs: [{ name: 'logits', parameters: { binary_data: true } }],
    });
    const body = Buffer.concat([Buffer.from(header), ...inputs.map(({ values }) => new Uint8Array(values.buffer))]);
    const headers = { 'inference-header-content-length': String(header.length) };
    const binary = await platform.request(path, { method: 'POST', headers, body });
    const bytes = Buffer.from(await binary.arrayBuffer());
    const tail = bytes.subarray(Number(binary.headers.get('inference-header-content-length')));
    const floats = [0, 4].map((offset) => tail.readFloatLE(offset));
    assert.deepEqual(floats, (plain as { outputs: { data: number[] }[] }).outputs[0]?.data);
  });

  test('one model answers the same on both hosts', async () => {
    const body = JSON.stringify({
      inputs: [
        {
          name: 'x',
          datatype: 'FP32',
          shape: [2, 3],
          data: [
            [-1, 2, -3],
            [4, -5, 6],
          ],
        },
      ],
    });
    for (const host of ['lambda', 'sagemaker'] as const) {
      await pushModel(platform, { name: `plus-one-${host}`, host, maxBatchSize: 8 }, addOneModel());
      const answer = await platform.request(`/v2/models/plus-one-${host}/infer`, {
        method: 'POST',
        headers: json,
        body,
      });
      assert.deepEqual(await answer.json(), {
        model_name: `plus-one-${host}`,
        model_version: '1',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 3], data: [0, 3, -2, 5, -4, 7] }],
      });
    }
  });

  test('no key, a wrong one and a revoked one are refused in the words of the protocol', async () => {
    for (const [path, body] of [
      ['/v2/models/digits', ['error']],
      ['/models/digits', ['error', 'error_type']],
    ] as const) {
      const answer = await fetch(platform.url + path);
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      assert.deepEqual(Object.keys((await answer.json()) as object), body);
    }
    const wrong = await platform.request('/models', { headers: { 'x-api-key': `lam_${'A'.repeat(43)}` } });
    assert.equal(wrong.status, 401);
    assert.equal((await fetch(`${platform.url}/v2/health/ready`)).status, 200);
  });

  test('a log line tells what happened and nothing of the payload or the key', async () => {
    await platform.request('/models/sentiment@production', {
      method: 'POST',
      headers: json,
      body: '{"inputs":"a secret sentence"}',
    });
    // The log is written behind the answer.
    let log = '';
    for (let look = 0; look < 100 && !log.includes('"model":"sentiment@production"'); look++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      log = readFileSync(join(platform.state, 'log.jsonl'), 'utf8');
    }
    const line = JSON.parse(log.split('\n').find((text) => text.includes('"model":"sentiment@production"')) ?? '{}');
    assert.deepEqual(
      { route: line.route, status: line.status, model: line.model, keyId: typeof line.keyId },
      { route: '/models/{model}', status: 200, model: 'sentiment@production', keyId: 'string' },
    );
    assert.doesNotMatch(log, /secret sentence/);
    assert.ok(!log.includes(platform.secret.slice(8)));
    assert.equal(statSync(join(platform.state, 'development-key')).mode & 0o77, 0);
  });

  test('a second platform on the same state, and one on a taken port, say why they do not start', async () => {
    const second = await runToEnd([], { PORT: '0', LAMBENT_STATE: platform.state });
    assert.deepEqual({ code: second.code, lines: second.printed.trim().split('\n').length }, { code: 1, lines: 1 });
    assert.match(second.printed, /another/);
    const other = await temporaryState();
    const taken = await runToEnd([], { PORT: new URL(platform.url).port, LAMBENT_STATE: other.state });
    await other.remove();
    assert.deepEqual({ code: taken.code, lines: taken.printed.trim().split('\n').length }, { code: 1, lines: 1 });
    assert.match(taken.printed, /port/);
    const file = await runToEnd([], { PORT: '0', LAMBENT_STATE: join(root, 'package.json') });
    assert.match(file.printed, /^lambent: the state folder .* cannot be written \(ENOTDIR\)/);
  });
});

test('state survives a restart, and SIGTERM ends it within a second with exit code 0, also while a model runs', async () => {
  const temporary = await temporaryState();
  const first = await runPlatform(temporary.state);
  await pushModel(first, { name: 'endless', host: 'lambda', maxBatchSize: 0 }, loopModel());
  const inputs = [
    { name: 'n', datatype: 'INT64', shape: [], data: [2 ** 52] },
    { name: 'x', datatype: 'FP32', shape: [1], data: [0] },
  ];
  const init = { method: 'POST', headers: json, body: JSON.stringify({ inputs }) };
  const running = first.request('/v2/models/endless/infer', init).catch(() => undefined);
  await first.request('/models/digits', { method: 'POST', body: picture });
  const end = await first.end();
  assert.equal(end.code, 0, first.printed());
  assert.ok(end.milliseconds < 1_500, `${end.milliseconds} ms`);
  await running;

  const second = await runPlatform(temporary.state);
  assert.equal(second.secret, first.secret);
  const { models } = (await (await second.request('/models')).json()) as { models: { name: string }[] };
  assert.deepEqual(
    models.map(({ name }) => name),
    ['digits', 'endless', 'sentiment'],
  );
  assert.deepEqual((await second.end('SIGINT')).code, 0);
  await temporary.remove();
});

test('what is damaged in the state is told to its owner, and the samples are served again', async () => {
  const temporary = await temporaryState();
  const first = await runPlatform(temporary.state);
  await first.end();
  const damaged = join(temporary.state, 's3', 'lambent-data', '0000000000000001');
  await writeFile(damaged, 'half an object');
  await mkdir(join(temporary.state, 's3', '.uploads', 'one'));
  await writeFile(join(temporary.state, 's3', '.uploads', 'one', 'upload.json'), '{');
  await writeFile(join(temporary.state, 'sqs', 'run-batch.jsonl'), '5\n{"put":\n');
  await rm(join(temporary.state, 'dynamodb'), { recursive: true });
  const second = await runPlatform(temporary.state);
  const told = second
    .printed()
    .match(/(?<=^lambent: ).+/gm)!
    .map((line) => line.replaceAll(temporary.state, ''));
  assert.deepEqual(told.sort(), [
    '/s3/.uploads/one/upload.json is damaged: the upload is left out',
    '/s3/lambent-data/0000000000000001 is damaged: the object is left out',
    '/sqs/run-batch.jsonl: 2 lines, damaged or cut by a full disk, are left out',
    'the key in /development-key is not known any more, so another is made',
  ]);
  assert.equal((await second.request('/models/digits', { method: 'POST', body: picture })).status, 200);
  await second.end();
  await temporary.remove();
});

const windows = process.platform === 'win32' && 'the script is for a POSIX shell';
test('SIGTERM to npm ends npm and the platform, with exit code 0', { skip: windows }, async () => {
  const temporary = await temporaryState();
  const env = { ...process.env, ...compileCache, PORT: '0', LAMBENT_STATE: temporary.state };
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  for await (const text of npm.stdout) {
    printed += text;
    if (!printed.endsWith('kept.\n')) continue;
    npm.kill('SIGTERM');
    break;
  }
  assert.deepEqual(await once(npm, 'exit'), [0, null]);
  const url = /ready on (\S+)/.exec(printed)?.[1];
  await assert.rejects(fetch(`${url}/v2/health/live`));
  await temporary.remove();
});

test('with --open calls need no key, but pages of other hosts are kept out', async () => {
  const temporary = await temporaryState();
  const platform = await runPlatform(temporary.state, ['--open']);
  assert.equal((await fetch(`${platform.url}/models`)).status, 200);
  assert.equal((await fetch(`${platform.url}/models`, { headers: { origin: 'https://example.com' } })).status, 403);
  await platform.end();
  await temporary.remove();
});

test('--help explains, and what is not an option is refused', async () => {
  assert.match((await runToEnd(['--help'], {})).printed, /--open/);
  const wrong = await runToEnd(['--opne'], {});
  assert.equal(wrong.code, 1);
  assert.match(wrong.printed, /--opne/);
  assert.match((await runToEnd([], { PORT: 'http' })).printed, /PORT is 'http'/);
});
