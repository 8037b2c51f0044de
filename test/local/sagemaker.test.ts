import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  InternalDependencyException,
  InvokeEndpointAsyncCommand,
  InvokeEndpointCommand,
  type InvokeEndpointCommandInput,
  InvokeEndpointWithResponseStreamCommand,
  ModelError,
  ModelNotReadyException,
  SageMakerRuntimeClient,
  ServiceUnavailable,
  ValidationError,
} from '@aws-sdk/client-sagemaker-runtime';
import { tarGzip } from '../../functions/archives/tar.ts';
import { encodeInferRequest } from '../../functions/inference/binary-tensor.ts';
import type { Tensor, TensorMetadata } from '../../functions/inference/protocol.ts';
import type { ModelVersion } from '../../functions/registry/model-manifest.ts';
import { tritonArchive } from '../../functions/registry/triton-package.ts';
import { type S3StandIn, startS3 } from '../../local/s3/s3.ts';
import { startSagemaker } from '../../local/sagemaker/start-sagemaker.ts';
import type { Supervisor } from '../../local/supervisor.ts';
import { addOneModel, gatherModel, loopModel, onnxModel } from '../onnx-model.ts';

const binaryType = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
let directory: string;
let s3: S3StandIn;
let endpoint: Supervisor;
let client: SageMakerRuntimeClient;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lambent-sagemaker-'));
  s3 = await startS3({ directory, buckets: ['artifacts'] });
  const environment = { AWS_ENDPOINT_URL_S3: s3.url, ARTIFACTS_BUCKET: 'artifacts' };
  endpoint = await startSagemaker({ endpointName: 'models', environment, cacheBytes: 3000, timeoutSeconds: 2 });
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new SageMakerRuntimeClient({ endpoint: endpoint.url, region: 'us-east-1', credentials, maxAttempts: 1 });
});
after(async () => {
  client.destroy();
  await endpoint.close();
  await s3.close();
  await rm(directory, { recursive: true });
});

const tensor = (name: string, datatype: Tensor['datatype'], shape: number[], elements: ArrayBufferView): Tensor => {
  return { name, datatype, shape, data: new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength) };
};
const rows = (count: number) =>
  tensor(
    'x',
    'FP32',
    [count, 3],
    Float32Array.from({ length: count * 3 }, (_, at) => at),
  );
const metadata = (name: string, datatype: Tensor['datatype'], shape: number[]) => ({ name, datatype, shape });
const addOne = { inputs: [metadata('x', 'FP32', [-1, 3])], outputs: [metadata('y', 'FP32', [-1, 3])] };

async function store(targetModel: string, archive: Uint8Array): Promise<void> {
  const put = await fetch(`${s3.url}/artifacts/serving/${targetModel}`, { method: 'PUT', body: Buffer.from(archive) });
  assert.equal(put.status, 200);
}
async function publish(
  targetModel: string,
  graph: Uint8Array,
  tensors: { inputs: TensorMetadata[]; outputs: TensorMetadata[] } = addOne,
  maxBatchSize = 0,
): Promise<void> {
  const manifest = { maxBatchSize } as ModelVersion['manifest'];
  await store(targetModel, tritonArchive({ manifest, ...tensors }, { graph, externalData: [] }));
}

function invoke(targetModel: string, inputs: Tensor[], more: Partial<InvokeEndpointCommandInput> = {}) {
  const { headerLength, body } = encodeInferRequest({ inputs });
  const input = {
    EndpointName: 'models',
    TargetModel: targetModel,
    Body: body,
    ContentType: binaryType + headerLength,
  };
  return client.send(new InvokeEndpointCommand({ ...input, ...more }));
}
const modelError = (status: number, message: RegExp) => (error: unknown) =>
  error instanceof ModelError &&
  error.$metadata.httpStatusCode === 424 &&
  error.OriginalStatusCode === status &&
  message.test(error.OriginalMessage ?? '');

test('an archive is loaded on first use and answers binary tensors, with the model named after the archive', async () => {
  await publish('add-1.tar.gz', addOneModel(), addOne, 8);
  const answer = await invoke('add-1.tar.gz', [rows(2)]);
  assert.equal(answer.InvokedProductionVariant, 'AllTraffic');
  const size = Number(answer.ContentType?.slice(binaryType.length));
  const body = Buffer.from(answer.Body);
  assert.deepEqual(JSON.parse(body.toString('utf8', 0, size)), {
    model_name: 'add-1.tar.gz',
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } }],
  });
  assert.deepEqual([...new Float32Array(new Uint8Array(body.subarray(size)).buffer)], [1, 2, 3, 4, 5, 6]);
});

test('a request in JSON is answered in JSON', async () => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }];
  const more = { Body: JSON.stringify({ inputs }), ContentType: 'application/json' };
  const answer = await invoke('add-1.tar.gz', [], more);
  assert.equal(answer.ContentType, 'application/json');
  assert.deepEqual(JSON.parse(answer.Body.transformToString()).outputs[0].data, [2, 3, 4]);
});

test('an archive that has been loaded is not read again when its object changes', async () => {
  await publish('add-1.tar.gz', Buffer.from('no graph'), addOne, 8);
  await invoke('add-1.tar.gz', [rows(1)]);
});

test('models that were not used leave when memory is short, and come back when they are asked for', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `evicted-${index}.tar.gz`);
  for (const name of names) await publish(name, addOneModel());
  for (const name of [...names, ...names]) await invoke(name, [rows(1)]);
});

test('a model that is larger than the memory is out of memory: 507', async () => {
  const weights = { name: 'one', datatype: 'FP32', shape: [1000, 3], data: new Float32Array(3000) } as const;
  const nodes = [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] }];
  const values = { inputs: addOne.inputs, outputs: addOne.outputs };
  await publish('large.tar.gz', onnxModel({ nodes, ...values, initializers: [weights] }));
  await assert.rejects(invoke('large.tar.gz', [rows(1)]), modelError(507, /out of memory/));
});

test('a scalar is [1] for Triton', async () => {
  const x = { inputs: [metadata('x', 'FP32', [1]), metadata('n', 'INT64', [])], outputs: [metadata('y', 'FP32', [1])] };
  await publish('loop.tar.gz', loopModel(), x);
  const loop = (shape: number[]) => {
    const n = tensor('n', 'INT64', shape, BigInt64Array.of(4n));
    return invoke('loop.tar.gz', [tensor('x', 'FP32', [1], Float32Array.of(0)), n]);
  };
  const { Body, ContentType } = await loop([1]);
  const size = Number(ContentType?.slice(binaryType.length));
  assert.deepEqual([...new Float32Array(new Uint8Array(Buffer.from(Body).subarray(size)).buffer)], [4]);
  await assert.rejects(loop([]), modelError(400, /unexpected shape for input 'n'/));
});

test('what Triton refuses is a ModelError with its status 400 and its message', async () => {
  const add = (inputs: Tensor[], more = {}) => invoke('add-1.tar.gz', inputs, more);
  await assert.rejects(add([rows(9)]), modelError(400, /batch-size must be <= 8/));
  await assert.rejects(add([{ ...rows(1), name: 'z' }]), modelError(400, /unexpected inference input 'z'/));
  await assert.rejects(add([]), modelError(400, /expected 1 inputs but got 0/));
  await assert.rejects(add([{ ...rows(2), shape: [3, 2] }]), modelError(400, /unexpected shape for input 'x'/));
  await assert.rejects(add([{ ...rows(1), datatype: 'INT32' }]), modelError(400, /data-type is 'INT32'/));
  for (const ContentType of [`${binaryType}99999`, `x ${binaryType}5`, `${binaryType}5`, 'application/octet-stream']) {
    await assert.rejects(add([rows(1)], { ContentType }), modelError(400, /./), ContentType);
  }
});

test('a model that fails with these inputs is a ModelError with status 400', async () => {
  const gather = { inputs: [metadata('x', 'INT64', [-1, 1])], outputs: [metadata('y', 'FP32', [-1, 1])] };
  await publish('gather.tar.gz', gatherModel(), gather);
  const index = tensor('x', 'INT64', [1, 1], BigInt64Array.of(7n));
  await assert.rejects(invoke('gather.tar.gz', [index]), modelError(400, /out of/));
});

test('an archive that Triton would not load is a ModelError each time, and the endpoint lives on', async () => {
  const other = { ...addOne, inputs: [metadata('x', 'FP32', [-1, 4])] };
  await publish('other-shape.tar.gz', addOneModel(), other);
  await publish('no-graph.tar.gz', Buffer.from('no graph'));
  await store('no-archive.tar.gz', Buffer.from('no archive'));
  await store(
    'hyphen.tar.gz',
    tarGzip([{ path: 'my-model/config.pbtxt', data: Buffer.from('backend: "onnxruntime"') }]),
  );
  for (const [name, message] of [
    ['other-shape.tar.gz', /the model expects shape \[-1,3\]/],
    ['no-graph.tar.gz', /./],
    ['no-archive.tar.gz', /header check/],
    ['hyphen.tar.gz', /one folder named/],
  ] as const) {
    await assert.rejects(invoke(name, [rows(1)]), modelError(400, message), name);
    await assert.rejects(invoke(name, [rows(1)]), modelError(400, message), name);
  }
  await publish('add-3.tar.gz', addOneModel());
  await invoke('add-3.tar.gz', [rows(1)]);
});

test('an unknown archive, endpoint or no TargetModel is a ValidationError', async () => {
  await assert.rejects(invoke('none.tar.gz', [rows(1)]), (error) => {
    return error instanceof ValidationError && /key: serving\/none\.tar\.gz/.test(error.message);
  });
  await assert.rejects(invoke('add-1.tar.gz', [rows(1)], { EndpointName: 'other' }), ValidationError);
  await assert.rejects(invoke('add-1.tar.gz', [rows(1)], { TargetModel: undefined }), ValidationError);
});

test('a body over 6,291,456 bytes is refused with 413', async () => {
  const tooLarge = invoke('add-1.tar.gz', [], { Body: Buffer.alloc(6_291_457) });
  await assert.rejects(tooLarge, (error: ModelError) => error.$metadata.httpStatusCode === 413);
});

test('streams and asynchronous invocations are refused with 501: multi-model endpoints have none', async () => {
  const stream = new InvokeEndpointWithResponseStreamCommand({ EndpointName: 'models', Body: Buffer.of(1) });
  const later = new InvokeEndpointAsyncCommand({ EndpointName: 'models', InputLocation: 's3://b/k' });
  const isRefused = (error: ModelError) => error.$metadata.httpStatusCode === 501;
  await assert.rejects(client.send(stream), isRefused);
  await assert.rejects(client.send(later), isRefused);
});

test('injected faults become the exceptions of the SDK', async () => {
  for (const [status, errorType, type] of [
    [429, 'ModelNotReadyException', ModelNotReadyException],
    [503, 'ServiceUnavailable', ServiceUnavailable],
    [530, 'InternalDependencyException', InternalDependencyException],
  ] as const) {
    const fault = JSON.stringify({ match: { operation: 'InvokeEndpoint' }, status, errorType });
    await fetch(`${endpoint.url}/_faults`, { method: 'POST', body: fault });
    await assert.rejects(invoke('add-1.tar.gz', [rows(1)]), type);
  }
  for (const fault of [{ reset: true }, { cutAfterBytes: 10 }]) {
    await fetch(`${endpoint.url}/_faults`, { method: 'POST', body: JSON.stringify(fault) });
    await assert.rejects(async () => (await invoke('add-3.tar.gz', [rows(1)])).Body.transformToString());
  }
});

test('after kill -9 the next invocation is answered by a fresh process', async () => {
  await publish('add-2.tar.gz', addOneModel());
  const before = endpoint.pid() as number;
  process.kill(before, 'SIGKILL');
  await invoke('add-2.tar.gz', [rows(1)]).catch(() => invoke('add-2.tar.gz', [rows(1)]));
  assert.notEqual(endpoint.pid(), before);
});

test('a model that never ends is answered when its time is over, and does not block the others', async () => {
  const n = tensor('n', 'INT64', [1], BigInt64Array.of(2n ** 62n));
  const never = invoke('loop.tar.gz', [tensor('x', 'FP32', [1], Float32Array.of(0)), n]);
  await assert.rejects(never, modelError(0, /timed out/));
  await invoke('add-2.tar.gz', [rows(1)]);
});
