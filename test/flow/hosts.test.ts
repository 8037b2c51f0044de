import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addOneModel } from '../onnx-model.ts';
import { pushModel } from './push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
let sagemaker: string;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  const environment = JSON.parse(readFileSync(join(temporary.state, 'environment.json'), 'utf8'));
  sagemaker = environment.AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME;
  for (const standIn of [true, false]) {
    const name = standIn ? 'replaceable' : 'alone';
    await pushModel(platform, { name, host: 'sagemaker', standIn, maxBatchSize: 8 }, addOneModel());
  }
});
after(async () => {
  await platform.end('SIGKILL');
  await temporary.remove();
});

const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });

async function ask(model: string) {
  const answer = await platform.request(`/v2/models/${model}/infer`, { method: 'POST', body });
  const { parameters, outputs } = (await answer.json()) as { parameters?: object; outputs?: { data: number[] }[] };
  assert.equal(answer.headers.get('x-lambent-served-by'), Object(parameters).served_by ?? null);
  return { status: answer.status, parameters, data: outputs?.[0]?.data };
}

/** Makes the GPU host fail from now on, or work again. */
async function breakGpuHost(broken: boolean): Promise<void> {
  const fault = { match: { operation: 'InvokeEndpoint' }, times: 100, status: 503, errorType: 'ServiceUnavailable' };
  const method = broken ? 'POST' : 'DELETE';
  const answer = await fetch(`${sagemaker}/_faults`, { method, ...(broken && { body: JSON.stringify(fault) }) });
  assert.equal(answer.status, 200);
}

test('the CPU host stands in for a failing GPU host where the package allows it, and the answer says so', async () => {
  assert.deepEqual(await ask('replaceable'), { status: 200, parameters: undefined, data: [2, 3, 4] });
  await breakGpuHost(true);
  assert.deepEqual(await ask('replaceable'), { status: 200, parameters: { served_by: 'lambda' }, data: [2, 3, 4] });
  assert.equal((await ask('alone')).status, 502);
  await breakGpuHost(false);
  assert.deepEqual(await ask('replaceable'), { status: 200, parameters: undefined, data: [2, 3, 4] });
});

test('a version moves to the other host and back without a new version', async () => {
  const put = (host: string) =>
    platform.request('/models/alone/versions/1', { method: 'PUT', body: JSON.stringify({ host }) });
  await breakGpuHost(true);
  assert.equal((await ask('alone')).status, 502);
  assert.equal((await put('lambda')).status, 200);
  assert.deepEqual(await ask('alone'), { status: 200, parameters: undefined, data: [2, 3, 4] });
  const version = (await (await platform.request('/models/alone/versions/1')).json()) as {
    host: string;
    status: string;
  };
  assert.deepEqual([version.host, version.status], ['lambda', 'READY']);
  assert.equal((await put('sagemaker')).status, 200);
  assert.equal((await ask('alone')).status, 502);
  await breakGpuHost(false);
  assert.equal((await ask('alone')).status, 200);
  assert.equal((await put('abacus')).status, 400);
});

test('files that are put to presigned URLs become a version, by any HTTP client', async () => {
  const graph = addOneModel();
  const manifest = JSON.parse(JSON.stringify(await readManifest('alone')));
  const answer = await platform.request('/v1/models/by-hand/versions/1/uploads', {
    method: 'POST',
    body: JSON.stringify({ files: ['model.onnx'] }),
  });
  const { data } = (await answer.json()) as { data: { path: string; url: string }[] };
  assert.deepEqual(
    data.map(({ path }) => path),
    ['model.onnx', 'model.json'],
  );
  for (const { path, url } of data) {
    const content = path === 'model.json' ? JSON.stringify({ ...manifest, name: 'by-hand', host: 'lambda' }) : graph;
    assert.equal((await fetch(url, { method: 'PUT', body: Buffer.from(content as string) })).status, 200);
  }
  let status = '';
  while (!['READY', 'FAILED'].includes(status)) {
    const version = await platform.request('/models/by-hand/versions/1');
    ({ status } = (await version.json()) as { status: string });
  }
  assert.equal(status, 'READY');
  const again = await platform.request('/v1/models/by-hand/versions/1/uploads', {
    method: 'POST',
    body: '{"files":["model.onnx"]}',
  });
  assert.equal(again.status, 409);
});

async function readManifest(name: string): Promise<unknown> {
  const environment = JSON.parse(readFileSync(join(temporary.state, 'environment.json'), 'utf8'));
  return await (await fetch(`${environment.AWS_ENDPOINT_URL_S3}/lambent-artifacts/models/${name}/1/model.json`)).json();
}

test('a model repository is listed, loaded and unloaded in the words of a Triton client', async () => {
  const post = async (path: string, content?: string) => {
    const answer = await platform.request(`/v2/repository/${path}`, {
      method: 'POST',
      ...(content && { body: content }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const index = async (body?: string) =>
    ((await post('index', body)).body as { name: string }[]).filter(({ name }) => name === 'alone');
  const ready = async () => (await platform.request('/v2/models/alone/ready')).status;
  const done = { status: 200, body: {} };
  assert.deepEqual(await index(), [{ name: 'alone', version: '1', state: 'READY', reason: '' }]);
  assert.deepEqual(await post('models/alone/load', '{}'), done);
  assert.deepEqual(await post('models/alone/load', '{"parameters":{"config":"{\\"max_batch_size\\":\\"8\\"}"}}'), done);

  assert.deepEqual(await post('models/alone/unload', '{"parameters":{"unload_dependents":false}}'), done);
  assert.deepEqual(await index(), [{ name: 'alone', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' }]);
  assert.deepEqual(await index('{"ready":true}'), []);
  assert.equal(await ready(), 400);
  assert.equal((await ask('alone')).status, 200, 'what is unloaded answers nevertheless');
  assert.equal(await ready(), 400);
  assert.deepEqual(await post('models/alone@production/unload'), done);
  assert.deepEqual(await post('models/alone/load'), done);
  assert.equal(await ready(), 200);
  assert.deepEqual(await post('models/alone@production/unload'), done);
  assert.equal(await ready(), 200, 'one alias is not the model');

  for (const parameters of [{ config: '{"max_batch_size":4}' }, { config: 'none' }, { 'file:1/model.onnx': 'AAAA' }]) {
    const { status, body } = await post('models/alone/load', JSON.stringify({ parameters }));
    assert.equal(status, 400);
    assert.match((body as { error: string }).error, /^failed to load 'alone': (config|'file:1\/model\.onnx')/);
  }
  assert.equal((await post('models/nobody/unload')).status, 404);
});
