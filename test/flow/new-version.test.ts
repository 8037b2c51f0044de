import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type OnnxGraph, onnxModel } from '../onnx-model.ts';
import { pushModel } from './push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

const requests = 1000;
const atOnce = 8;

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
});
after(async () => {
  await platform.end('SIGKILL');
  await temporary.remove();
});

/** Adds `amount` to x: the answer tells which version gave it. */
function adding(amount: number): Uint8Array {
  const tensor = (name: string) => ({ name, datatype: 'FP32' as const, shape: [-1, 1] });
  const graph: OnnxGraph = {
    nodes: [{ op: 'Add', inputs: ['x', 'amount'], outputs: ['y'] }],
    inputs: [tensor('x')],
    outputs: [tensor('y')],
    initializers: [{ name: 'amount', datatype: 'FP32', shape: [], data: new Float32Array([amount]) }],
  };
  return onnxModel(graph);
}

const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [0] }] });

async function ask(headers: Record<string, string> = {}): Promise<string> {
  const answer = await platform.request('/v2/models/adder/infer', { method: 'POST', body, headers });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const { model_version: version, outputs } = JSON.parse(text) as {
    model_version: string;
    outputs: { data: number[] }[];
  };
  assert.equal(answer.headers.get('x-lambent-model-version'), version);
  assert.equal(outputs[0]?.data[0], Number(version), 'the version that is named is the one that computed');
  return version;
}

async function call(method: string, path: string, content?: object): Promise<void> {
  const answer = await platform.request(path, { method, ...(content && { body: JSON.stringify(content) }) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
}

test(`${requests} requests during push, alias move, rollback and unload: none fails, and none is answered by a third version`, async () => {
  const push = (version: number) =>
    pushModel(platform, { name: 'adder', version: String(version), maxBatchSize: 8 }, adding(version));
  await push(1);
  let asked = 0;
  let changing = true;
  const versions = new Set<string>();
  const callers = Array.from({ length: atOnce }, async () => {
    while (asked < requests || changing) {
      asked += 1;
      versions.add(await ask());
    }
  });
  const seen = async (version: string) => {
    while ((await ask()) !== version) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const changes = async () => {
    await push(2);
    await push(3);
    await call('PUT', '/models/adder/aliases/production', { target: '2', expected: '1' });
    await seen('2');
    await call('POST', '/v2/repository/models/adder/unload');
    await call('POST', '/models/adder/aliases/production/rollback');
    await seen('1');
    await call('POST', '/v2/repository/models/adder/unload', { parameters: { unload_dependents: false } });
    await call('POST', '/v2/repository/models/adder/load');
    changing = false;
  };
  await Promise.all([...callers, changes().finally(() => (changing = false))]);
  assert.ok(asked >= requests);
  assert.deepEqual([...versions].sort(), ['1', '2']);
});

test('a split alias keeps each user on one version, and both versions are asked', async () => {
  await call('PUT', '/models/adder/aliases/production', { target: { 1: 50, 2: 50 } });
  const users = Array.from({ length: 20 }, (_, index) => ({ 'x-lambent-user': `user-${index}` }));
  const first = await Promise.all(users.map((user) => ask(user)));
  assert.deepEqual(await Promise.all(users.map((user) => ask(user))), first);
  assert.deepEqual([...new Set(first)].sort(), ['1', '2']);
});

test('a target that is none is refused with what is needed', async () => {
  for (const [content, reason] of [
    [{}, /^target is missing: a version, or versions with a weight each/],
    [{ target: { 1: -5 } }, /^target\.1 is -5: a weight above 0/],
    [{ target: '9' }, /no READY version '9'; it has: 1, 2, 3/],
  ] as const) {
    const init = { method: 'PUT', body: JSON.stringify(content) };
    const answer = await platform.request('/models/adder/aliases/production', init);
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { error: string }).error, reason);
  }
});

test('a version that an alias points at is not deleted; another is, and then it is gone', async () => {
  const remove = (version: string) => platform.request(`/models/adder/versions/${version}`, { method: 'DELETE' });
  assert.equal((await remove('2')).status, 409);
  assert.equal((await remove('3')).status, 204);
  assert.equal((await platform.request('/models/adder/versions/3')).status, 404);
  assert.equal((await platform.request('/v2/models/adder/versions/3')).status, 404);
});
