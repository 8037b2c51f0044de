import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { answerInferEvent } from '../../../functions/host/answer-infer-event.ts';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import type { InferEvent, ItemAnswer } from '../../../functions/host/infer-event.ts';
import { renderInferAnswer } from '../../../functions/host/infer-payload.ts';
import { decodeInferResponse, encodeInferRequest } from '../../../functions/inference/binary-tensor.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';
import { modelManifestSchema } from '../../../functions/registry/model-manifest.ts';
import { addOneModel, loopModel, onnxModel } from '../../onnx-model.ts';

const host = createModelHost({ cacheBytes: 100_000 });
after(() => host.close());

/** A package in a bucket of its own: what `readArtifact` finds and what model.json says of it. */
function pack(files: Record<string, Uint8Array>, fields: object = {}) {
  const entries = Object.entries(files).map(([path, body]) => {
    return [path, { size: body.length, sha256: createHash('sha256').update(body).digest('hex') }];
  });
  const manifest = modelManifestSchema.parse({
    name: 'm',
    version: '1',
    files: Object.fromEntries(entries),
    ...fields,
  });
  const read: string[] = [];
  const readArtifact = async (key: string) => {
    read.push(key);
    return Buffer.from(files[key.replace('models/m/1/', '')]!);
  };
  const ask = async (request: InferRequest) => {
    const { headerLength, body } = encodeInferRequest(request);
    const item = { deadline: Date.now() + 20_000, headerLength, body: [body.toString('base64')] };
    const answer = await answerInferEvent({ operation: 'infer', manifest, requests: [item] }, host, readArtifact);
    return 'answers' in answer ? answer.answers[0] : answer;
  };
  const describe = (): InferEvent => ({ operation: 'describe', manifest, deadline: Date.now() + 20_000 });
  return { manifest, read, ask, describe: () => answerInferEvent(describe(), host, readArtifact) };
}

const row = { inputs: [createTensor('x', 'FP32', [1, 3], new Float32Array([1, 2, 3]))] };

test('a package is read from the bucket and answers; what describes it comes from the graph', async () => {
  const { ask, describe, read } = pack({ 'model.onnx': addOneModel(), 'README.md': Buffer.from('text') });
  const answer = (await ask(row)) as Extract<ItemAnswer, { body: unknown }>;
  const response = decodeInferResponse(answer.body, answer.headerLength);
  assert.deepEqual(
    { ...response, outputs: response.outputs.length },
    { model_name: 'm', model_version: '1', outputs: 1 },
  );
  assert.deepEqual([...new Float32Array(new Uint8Array(response.outputs[0]!.data).buffer)], [2, 3, 4]);
  assert.equal(answer.timings.batchSize, 1);
  assert.deepEqual(await describe(), {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  });
  assert.deepEqual(read, ['models/m/1/model.onnx']);
});

test('external data is read beside the graph, and a path that leaves the package is not', async () => {
  const graph = (path: string) =>
    onnxModel({
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3] }],
      initializers: [{ name: 'w', datatype: 'FP32', shape: [3], data: { path, length: 12 } }],
    });
  const weights = new Uint8Array(new Float32Array([1, 1, 1]).buffer);
  const long = `${'folder/'.repeat(20)}weights.bin`;
  for (const path of ['model.onnx_data', long]) {
    const files = { 'onnx/model.onnx': graph(path), [`onnx/${path}`]: weights, 'onnx/other.onnx': weights };
    const { ask, read } = pack(files, { model: 'onnx/model.onnx' });
    assert.ok('body' in (await ask(row))!);
    assert.deepEqual(read, ['models/m/1/onnx/model.onnx', `models/m/1/onnx/${path}`]);
  }
  for (const path of ['../../../2/secret', '/etc/hostname', 'package.json']) {
    const { ask, read } = pack({ 'model.onnx': graph(path) });
    const answer = (await ask(row)) as { error: { code: string; message: string } };
    assert.equal(answer.error.code, 'model_failed');
    assert.match(answer.error.message, /external data file|External/);
    assert.deepEqual(read, ['models/m/1/model.onnx']);
  }
});

test('a file that is not what model.json says is model_failed', async () => {
  const body = addOneModel();
  const good = { size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
  const cases: [object, RegExp][] = [
    [{ ...good, size: 3 }, /^file 'model\.onnx' of the package has \d+ bytes; model\.json says 3$/],
    [{ ...good, sha256: '0'.repeat(64) }, /^file 'model\.onnx' of the package has another sha256/],
  ];
  for (const [entry, message] of cases) {
    const { describe } = pack({ 'model.onnx': body }, { files: { 'model.onnx': entry } });
    const answer = (await describe()) as { error: { code: string; message: string } };
    assert.equal(answer.error.code, 'model_failed');
    assert.match(answer.error.message, message);
  }
});

test('an error is an answer: what is wrong with a request, and nothing of what nobody foresaw', async () => {
  const { ask, manifest } = pack({ 'model.onnx': addOneModel() });
  assert.deepEqual(await ask({ inputs: [] }), {
    error: { code: 'model_rejected_input', message: "input 'x' is missing; the model takes 'x'" },
  });
  const event = { operation: 'describe', manifest, deadline: Date.now() + 20_000 } as const;
  const empty = createModelHost({ cacheBytes: 100_000 });
  const answer = await answerInferEvent(event, empty, () => Promise.reject(new Error('secret')));
  assert.deepEqual(Object.keys(answer), ['error']);
  assert.doesNotMatch(JSON.stringify(answer), /secret/);
});

test('a function whose model still runs when the caller has left is not free before the run has ended', async () => {
  const { manifest, describe } = pack({ 'model.onnx': loopModel() });
  await describe();
  const { headerLength, body } = encodeInferRequest({
    inputs: [
      createTensor('x', 'FP32', [1], new Float32Array(1)),
      createTensor('n', 'INT64', [], new BigInt64Array([200_000n])),
    ],
  });
  let ended = false;
  const watched = {
    ...host,
    async runEnded(id: string) {
      await host.runEnded(id);
      ended = true;
    },
  };
  const item = { deadline: Date.now() + 20, headerLength, body: [body.toString('base64')] };
  const event = { operation: 'infer', manifest, requests: [item] } as const;
  const answer = await answerInferEvent(event, watched, () => Promise.reject(new Error('the model is loaded')));
  assert.partialDeepStrictEqual(answer, { answers: [{ error: { code: 'deadline_exceeded' } }] });
  assert.ok(ended);
});

test('an answer that Lambda could not return is payload_too_large, with the limit', async () => {
  const graph = onnxModel({
    nodes: [{ op: 'Expand', inputs: ['x', 'shape'], outputs: ['y'] }],
    inputs: [
      { name: 'x', datatype: 'UINT8', shape: [1] },
      { name: 'shape', datatype: 'INT64', shape: [-1] },
    ],
    outputs: [{ name: 'y', datatype: 'UINT8', shape: [-1] }],
  });
  const { ask } = pack({ 'model.onnx': graph });
  const grow = (size: bigint) =>
    ask({
      inputs: [
        createTensor('x', 'UINT8', [1], new Uint8Array(1)),
        createTensor('shape', 'INT64', [1], new BigInt64Array([size])),
      ],
    });
  const answer = await grow(6_290_000n);
  assert.ok(answer && 'body' in answer);
  assert.ok(renderInferAnswer({ answers: [answer] }).length <= 6_291_456);
  const refused = (await grow(6_291_456n)) as { error: { code: string; message: string } };
  assert.equal(refused.error.code, 'payload_too_large');
  assert.match(refused.error.message, /the CPU host returns 6290432/);
});

test('answers that are too long together are asked for again, the first ones are given', async () => {
  const { manifest, describe } = pack({ 'model.onnx': addOneModel(400_000) });
  await describe();
  const { headerLength, body } = encodeInferRequest({
    inputs: [createTensor('x', 'FP32', [1, 400_000], new Float32Array(400_000))],
  });
  const item = { deadline: Date.now() + 20_000, headerLength, body: [body.toString('base64')] };
  const event = { operation: 'infer', manifest, requests: [item, item, item, item] } as const;
  const answer = await answerInferEvent(event, host, () => Promise.reject(new Error('the model is loaded')));
  assert.ok('answers' in answer && renderInferAnswer(answer).length <= 6_291_456);
  assert.deepEqual(
    answer.answers.map((one) => Object.keys(one)[0]),
    ['headerLength', 'headerLength', 'headerLength', 'again'],
  );
});
