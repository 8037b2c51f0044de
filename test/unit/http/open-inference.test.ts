import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ServiceError } from '../../../functions/errors.ts';
import { countInferences } from '../../../functions/http/count-inferences.ts';
import { openInferenceRoutes } from '../../../functions/http/open-inference.ts';
import { decodeInferResponse, encodeInferRequest } from '../../../functions/inference/binary-tensor.ts';
import type { InferRequest, TensorMetadata } from '../../../functions/inference/protocol.ts';
import { createTensor, elementsOf } from '../../../functions/inference/tensor.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import type { Services } from '../../../functions/services.ts';

const inputs: TensorMetadata[] = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }];
const outputs: TensorMetadata[] = [
  { name: 'doubled', datatype: 'FP32', shape: [-1, 2] },
  { name: 'rows', datatype: 'INT64', shape: [] },
];
const model = {
  ...modelVersionSchema.parse({
    manifest: { name: 'double', version: '3', maxBatchSize: 8, labels: ['cat', 'dog'], files: {} },
    status: 'READY',
    inputs,
    outputs,
    registeredAt: '2026-11-23T00:00:00Z',
  }),
  assets: {},
};

const entry = { name: 'double', aliases: { production: '3' }, versions: ['2', '3'], revision: 1 };
const services = countInferences({
  readModelEntry: async (name: string) => {
    if (name !== 'double') throw new ServiceError('model_not_found', `there is no model ${name}`);
    return entry;
  },
  readModel: async (name: string, version: string) => {
    if (version === '2') throw new ServiceError('model_not_ready', `${name} 2 is VALIDATING`);
    return model;
  },
  listModelEntries: async () => [entry],
  infer: async (_model: unknown, request: InferRequest) => {
    const [x] = request.inputs;
    const values = elementsOf({ ...x!, datatype: 'FP32' });
    if (values[0] === 13) throw new ServiceError('host_unavailable', 'the host is gone');
    const rows = createTensor('rows', 'INT64', [], BigInt64Array.of(2n ** 53n + BigInt(x!.shape[0]!)));
    const doubled = createTensor(
      'doubled',
      'FP32',
      x!.shape,
      values.map((value) => value * 2),
    );
    return {
      response: { model_name: 'double-3.tar.gz', model_version: '1', outputs: [doubled, rows] },
      timings: { queueNs: 5, computeNs: 70, batchSize: 2 },
    };
  },
} as unknown as Services);

async function call(path: string, request: { body?: string | Buffer; headers?: Record<string, string> } = {}) {
  const method = request.body === undefined ? 'GET' : 'POST';
  for (const route of openInferenceRoutes) {
    const pattern = new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const match = pattern.exec(path);
    if (!match || route.method !== method) continue;
    return await route.handle(
      {
        method,
        path,
        parameters: { ...match.groups },
        query: {},
        headers: request.headers ?? {},
        body: Buffer.from(request.body ?? ''),
        requestId: 'r',
        deadline: Date.now() + 1000,
      },
      services,
    );
  }
  throw new Error(`no route for ${method} ${path}`);
}

const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1.5, -4] };
const inferPath = '/v2/models/double/infer';
const infer = async (body: object) => {
  const response = await call(inferPath, { body: JSON.stringify(body) });
  return JSON.parse(response.body as string);
};

test('the server tells its name, the version of package.json and its extensions', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const { extensions, ...server } = (await call('/v2')).body as { extensions: string[] };
  assert.deepEqual(server, { name: 'triton', version });
  assert.ok(extensions.includes('binary_tensor_data') && extensions.includes('statistics'));
});

test('only liveness and readiness of the server are public', () => {
  const open = openInferenceRoutes.filter((route) => route.public).map((route) => route.path);
  assert.deepEqual(open, ['/v2/health/live', '/v2/health/ready']);
});

test('a model tells its tensors and versions', async () => {
  const body = { name: 'double', versions: ['2', '3'], platform: 'onnxruntime_onnx', inputs, outputs };
  assert.deepEqual(await call('/v2/models/double'), { status: 200, body });
  assert.deepEqual(await call('/v2/models/double/versions/3'), { status: 200, body });
});

test('readiness is 200, 400 for a version that is not ready, and an error for a model that is not there', async () => {
  assert.equal((await call('/v2/models/double/ready')).status, 200);
  const waiting = await call('/v2/models/double/versions/2/ready');
  assert.deepEqual(waiting, { status: 400, body: { error: 'double 2 is VALIDATING' } });
  await assert.rejects(call('/v2/models/other/ready'), { code: 'model_not_found' });
});

test('the configuration has dims without the batch dimension', async () => {
  const { body } = await call('/v2/models/double/config');
  assert.deepEqual(body, {
    name: 'double',
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { specific: { versions: ['3'] } },
    max_batch_size: 8,
    input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2], format: 'FORMAT_NONE' }],
    output: [
      { name: 'doubled', data_type: 'TYPE_FP32', dims: [2] },
      { name: 'rows', data_type: 'TYPE_INT64', dims: [] },
    ],
    default_model_filename: 'model.onnx',
    dynamic_batching: {},
  });
});

test('a request in JSON is answered in JSON, with its id and parameters and all digits of an INT64', async () => {
  const body = JSON.stringify({ id: '42', parameters: { trace: 'a' }, inputs: [x] });
  const response = await call(inferPath, { body });
  assert.deepEqual(response, {
    status: 200,
    headers: { 'x-lambent-model-version': '3', 'content-type': 'application/json' },
    body:
      '{"model_name":"double","model_version":"3","id":"42","parameters":{"trace":"a"},"outputs":[' +
      '{"name":"doubled","datatype":"FP32","shape":[1,2],"data":[3,-8]},' +
      '{"name":"rows","datatype":"INT64","shape":[],"data":[9007199254740993]}]}',
  });
});

test('requested outputs come alone and in the order asked for', async () => {
  const { outputs: given } = await infer({ inputs: [x], outputs: [{ name: 'rows' }, { name: 'doubled' }] });
  assert.deepEqual(
    given.map(({ name }: { name: string }) => name),
    ['rows', 'doubled'],
  );
});

test('classes are the highest values with their index and label', async () => {
  const classes = { inputs: [x], outputs: [{ name: 'doubled', parameters: { classification: 9 } }] };
  assert.deepEqual((await infer(classes)).outputs, [
    { name: 'doubled', datatype: 'BYTES', shape: [1, 2], data: ['3:0:cat', '-8:1:dog'] },
  ]);
});

test("NVIDIA's binary request has a binary answer whose header length is in the headers", async () => {
  const { body, headerLength } = encodeInferRequest({
    inputs: [createTensor('x', 'FP32', [2, 2], Float32Array.of(1, 2, 3, Number.NaN))],
  });
  const headers = { 'inference-header-content-length': String(headerLength) };
  const response = await call(inferPath, { body, headers });
  assert.equal(response.headers?.['content-type'], 'application/octet-stream');
  const length = Number(response.headers?.['inference-header-content-length']);
  const [doubled] = decodeInferResponse(response.body as Buffer, length).outputs;
  assert.deepEqual(Array.from(elementsOf({ ...doubled!, datatype: 'FP32' })), [2, 4, 6, Number.NaN]);
  const type = `application/vnd.sagemaker-triton.binary+json;json-header-size=${headerLength}`;
  const answerType = `application/vnd.sagemaker-triton.binary+json;json-header-size=${length}`;
  for (const given of [type, type.replace('json-header-size', ' JSON-Header-Size')]) {
    const answer = await call(inferPath, { body, headers: { 'content-type': given } });
    assert.deepEqual(answer, { ...response, headers: { ...response.headers, 'content-type': answerType } });
  }
});

test('binary_data of an output overrides binary_data_output of the request', async () => {
  const request = { inputs: [x], parameters: { binary_data_output: true } };
  const mixed = { ...request, outputs: [{ name: 'doubled', parameters: { binary_data: false } }, { name: 'rows' }] };
  const response = await call(inferPath, { body: JSON.stringify(mixed) });
  const length = Number(response.headers?.['inference-header-content-length']);
  const { outputs: given } = JSON.parse((response.body as Buffer).toString('utf8', 0, length));
  assert.deepEqual(given, [
    { name: 'doubled', datatype: 'FP32', shape: [1, 2], data: [3, -8] },
    { name: 'rows', datatype: 'INT64', shape: [], parameters: { binary_data_size: 8 } },
  ]);
  assert.equal((response.body as Buffer).readBigInt64LE(length), 2n ** 53n + 1n);
});

test('a raw body is the only input, and its size tells the open dimension', async () => {
  const body = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
  const response = await call(inferPath, { body, headers: { 'inference-header-content-length': '0' } });
  const [doubled] = JSON.parse(response.body as string).outputs;
  assert.deepEqual(doubled, { name: 'doubled', datatype: 'FP32', shape: [2, 2], data: [2, 4, 6, 8] });
});

const refused: [what: string, body: object | string, message: RegExp][] = [
  [
    'an unknown input',
    { inputs: [{ ...x, name: 'y' }] },
    /input "y" is unknown; the model takes "x" \(FP32 \[-1,2\]\)/,
  ],
  ['a missing input', { inputs: [] }, /input "x" is missing; the model takes "x"/],
  ['another datatype', { inputs: [{ ...x, datatype: 'FP64' }] }, /input "x" takes FP32, given FP64/],
  ['another rank', { inputs: [{ ...x, shape: [2] }] }, /takes the shape \[-1,2\], where -1 is any size, given \[2\]/],
  ['another size', { inputs: [{ ...x, shape: [2, 1] }] }, /given \[2,1\]/],
  ['an unknown output', { inputs: [x], outputs: [{ name: 'z' }] }, /output "z" is unknown; the model has "doubled"/],
  [
    'a count of classes that is none',
    { inputs: [x], outputs: [{ name: 'doubled', parameters: { classification: 0 } }] },
    /classification of the output "doubled" is 0; allowed is a whole number from 1/,
  ],
  [
    'binary_data_output that is no boolean',
    { inputs: [x], parameters: { binary_data_output: 'yes' } },
    /is "yes"; allowed/,
  ],
  [
    'a step of a sequence',
    { inputs: [x], parameters: { sequence_id: 7, sequence_start: true, sequence_end: false } },
    /sequence_id of the request is 7; allowed is 0: models keep nothing from one request to the next/,
  ],
  [
    'an input in shared memory',
    { inputs: [{ ...x, data: undefined, parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8 } }] },
    /inputs\[0\]\.parameters\.shared_memory_region is not taken: callers and models share no memory; send tensors/,
  ],
  [
    'an output in shared memory',
    { inputs: [x], outputs: [{ name: 'rows', parameters: { shared_memory_region: 'r' } }] },
    /outputs\[0\]\.parameters\.shared_memory_region is not taken/,
  ],
  ['no body', '', /body is empty/],
];

for (const [what, body, message] of refused) {
  test(`${what} is refused with what was given and what is allowed`, async () => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    await assert.rejects(call(inferPath, { body: text }), { code: 'invalid_request', message });
  });
}

test('a header length beyond the body, or that is no number, is refused', async () => {
  const request = (length: string) =>
    call(inferPath, { body: '{}', headers: { 'inference-header-content-length': length } });
  await assert.rejects(request('3'), { code: 'invalid_request', message: /header length is 3; the body has 2 bytes/ });
  await assert.rejects(request('-1'), { code: 'invalid_request', message: /is '-1'; a number of bytes/ });
});

interface Statistics {
  inference_count: number;
  execution_count: number;
  inference_stats: Record<'success' | 'fail' | 'queue' | 'compute_infer', { count: number; ns: number }>;
  batch_stats: { batch_size: number }[];
}

test('statistics count rows, shared runs, time and failures', async () => {
  const counts = async () => {
    const { body } = await call('/v2/models/double/versions/3/stats');
    return (body as { model_stats: [Statistics] }).model_stats[0];
  };
  const before = await counts();
  const twoRows = { inputs: [{ ...x, shape: [2, 2], data: [1, 2, 3, 4] }] };
  await infer(twoRows);
  await infer(twoRows);
  await assert.rejects(infer({ inputs: [{ ...x, data: [13, 0] }] }), { code: 'host_unavailable' });
  const after = await counts();
  assert.equal(after.inference_count - before.inference_count, 4);
  assert.equal(after.execution_count - before.execution_count, 1);
  assert.equal(after.inference_stats.success.count - before.inference_stats.success.count, 2);
  assert.equal(after.inference_stats.fail.count - before.inference_stats.fail.count, 1);
  assert.equal(after.inference_stats.queue.ns - before.inference_stats.queue.ns, 10);
  assert.equal(after.inference_stats.compute_infer.ns - before.inference_stats.compute_infer.ns, 140);
  assert.equal(after.batch_stats[0]?.batch_size, 2);
  const { body } = await call('/v2/models/stats');
  const versions = (body as { model_stats: { version: string }[] }).model_stats.map(({ version }) => version);
  assert.deepEqual(versions, ['2', '3']);
});
