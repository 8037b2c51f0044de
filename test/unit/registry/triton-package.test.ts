import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { tarGzip } from '../../../functions/archives/tar.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { datatypeSizes, type TensorMetadata } from '../../../functions/inference/protocol.ts';
import type { ModelVersion } from '../../../functions/registry/model-manifest.ts';
import {
  fromTritonShape,
  toTritonShape,
  tritonArchive,
  tritonConfig,
} from '../../../functions/registry/triton-package.ts';
import { parseTextProto } from '../../../local/sagemaker/text-proto.ts';
import { untarGzip } from '../../../local/sagemaker/untar.ts';

const image: TensorMetadata = { name: 'pixel_values', datatype: 'FP32', shape: [-1, 3, -1, 224] };
const logits: TensorMetadata = { name: 'logits', datatype: 'FP32', shape: [-1, 10] };
const digest = { sha256: '0'.repeat(64), size: 4 };

function version(maxBatchSize: number, inputs = [image], outputs = [logits]) {
  const manifest: ModelVersion['manifest'] = {
    name: 'digits-v2',
    version: '1',
    host: 'sagemaker',
    model: 'model.onnx',
    maxBatchSize,
    golden: [],
    files: { 'model.onnx': digest },
  };
  const copy = (tensors: TensorMetadata[]) => tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape] }));
  return {
    manifest,
    status: 'READY',
    inputs: copy(inputs),
    outputs: copy(outputs),
    registeredAt: '2026-01-01T00:00:00Z',
  };
}

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof ServiceError && error.code === 'invalid_request' && message.test(error.message);

test('the archive is a Triton repository of one model: one folder without a hyphen, config.pbtxt, version 1', () => {
  const graph = Buffer.from('graph');
  const externalData = [{ path: 'weights/model.onnx_data', data: Buffer.from('weights') }];
  const files = untarGzip(tritonArchive(version(8), { graph, externalData }));
  assert.deepEqual(
    [...files].map(([path, data]) => [path, Buffer.from(data).toString()]),
    [
      ['model/1/model.onnx', 'graph'],
      ['model/1/weights/model.onnx_data', 'weights'],
      ['model/config.pbtxt', tritonConfig(version(8))],
    ],
  );
});

test('equal input gives equal bytes, with no time, owner or operating system in them', () => {
  const files = { graph: Buffer.alloc(100_000, 7), externalData: [] };
  const archive = Buffer.from(tritonArchive(version(8), files));
  assert.deepEqual(archive, Buffer.from(tritonArchive(version(8), files)));
  assert.deepEqual(
    [...archive.subarray(0, 4), ...archive.subarray(4, 8), archive[9]],
    [31, 139, 8, 0, 0, 0, 0, 0, 255],
  );
  const tar = gunzipSync(archive);
  assert.equal(tar.toString('latin1', 136, 147), '00000000000');
});

test('an external file that would replace the graph is refused', () => {
  const externalData = [{ path: 'model.onnx', data: Buffer.from('x') }];
  assert.throws(() => tritonArchive(version(0), { graph: Buffer.of(1), externalData }), refused(/model\.onnx/));
});

test('the configuration of a batched model has its tensors without the batch dimension, and dynamic batching', () => {
  assert.deepEqual(parseTextProto(tritonConfig(version(16))), {
    __proto__: null,
    backend: ['onnxruntime'],
    max_batch_size: [16],
    input: [{ __proto__: null, name: ['pixel_values'], data_type: ['TYPE_FP32'], dims: [3, -1, 224] }],
    output: [{ __proto__: null, name: ['logits'], data_type: ['TYPE_FP32'], dims: [10] }],
    instance_group: [{ __proto__: null, kind: ['KIND_GPU'], count: [1] }],
    dynamic_batching: [{ __proto__: null }],
  });
});

test('a model that is not batched keeps its shapes, and a scalar is [1] since Triton knows no empty dims', () => {
  const config = parseTextProto(
    tritonConfig(version(0, [image, { name: 'scale', datatype: 'FP64', shape: [] }], [logits])),
  );
  assert.deepEqual(
    (config.input as { dims: number[] }[]).map((input) => input.dims),
    [[-1, 3, -1, 224], [1]],
  );
  assert.equal(config.dynamic_batching, undefined);
});

test('a batch of scalars is [1] reshaped to [], and shapes are carried over and back', () => {
  const lengths: TensorMetadata = { name: 'lengths', datatype: 'INT64', shape: [-1] };
  const config = parseTextProto(tritonConfig(version(4, [lengths], [logits])));
  assert.deepEqual(config.input?.[0], {
    __proto__: null,
    name: ['lengths'],
    data_type: ['TYPE_INT64'],
    dims: [1],
    reshape: [{ __proto__: null, shape: [] }],
  });
  const scalar: TensorMetadata = { name: 's', datatype: 'FP32', shape: [] };
  for (const [declared, batch, ours, tritons] of [
    [lengths, 4, [3], [3, 1]],
    [lengths, 0, [3], [3]],
    [scalar, 0, [], [1]],
    [image, 4, [2, 3, 8, 224], [2, 3, 8, 224]],
  ] as const) {
    assert.deepEqual(toTritonShape(declared, ours, batch), tritons);
    assert.deepEqual(fromTritonShape(declared, tritons, batch), ours);
  }
});

test('every datatype has its name in model_config.proto, but BF16, which the ONNX backend lacks', () => {
  for (const datatype of Object.keys(datatypeSizes) as (keyof typeof datatypeSizes)[]) {
    const write = () => tritonConfig(version(0, [{ name: 'x', datatype, shape: [2] }]));
    if (datatype === 'BF16') assert.throws(write, refused(/BF16/));
    else assert.match(write(), new RegExp(`data_type: TYPE_${datatype === 'BYTES' ? 'STRING' : datatype} `));
  }
});

test('what Triton would refuse to load is refused with the reason', () => {
  assert.throws(
    () => tritonConfig(version(8, [{ name: 'x', datatype: 'FP32', shape: [1, 3] }])),
    refused(/input x has shape \[1, 3\].*set maxBatchSize to 0/),
  );
  assert.throws(() => tritonConfig(version(8, [image], [{ ...logits, shape: [] }])), refused(/output logits/));
  assert.throws(() => tritonConfig(version(0, [{ ...image, shape: [0] }])), refused(/dimension of size 0/));
});

test('any tensor name survives the text format', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const config = parseTextProto(tritonConfig(version(0, [{ ...image, name }])));
      const [input] = config.input as { name: string[] }[];
      assert.deepEqual(input?.name, [name]);
    }),
    { seed: 1 },
  );
});

test('entries of an archive keep their bytes; paths over 100 bytes are split, and refused where that does not help', () => {
  const long = `${'a'.repeat(90)}/${'b'.repeat(90)}`;
  const files = untarGzip(
    tarGzip([
      { path: long, data: Buffer.alloc(513, 1) },
      { path: 'empty', data: Buffer.of() },
    ]),
  );
  assert.deepEqual(
    [...files].map(([path, data]) => [path, data.length]),
    [
      [long, 513],
      ['empty', 0],
    ],
  );
  assert.throws(() => tarGzip([{ path: 'c'.repeat(101) }]), refused(/too long/));
});

test('an archive with a path that leaves it, a link, a file twice or a cut end is refused', () => {
  const one = (path: string) => ({ path, data: Buffer.from('x') });
  for (const path of ['../x', '/x', 'a/../x', 'a//x', 'a\\x']) {
    assert.throws(() => untarGzip(tarGzip([one(path)])), /not a plain relative one/, path);
  }
  assert.throws(() => untarGzip(tarGzip([one('x'), one('x')])), /twice/);
  const tar = gunzipSync(tarGzip([one('x')]));
  assert.throws(() => untarGzip(gzipSync(tar.subarray(0, 512))), /ends within x/);
  assert.throws(() => untarGzip(gzipSync(tar.subarray(0, 1024))), /no end mark/);
  tar[0] = 0x79;
  assert.throws(() => untarGzip(gzipSync(tar)), /checksum/);
  const link = gunzipSync(tarGzip([one('x')]));
  link[156] = 0x32;
  link.write('0', 148 + 5);
  const sum = link.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  link.write(sum.toString(8).padStart(6, '0'), 148);
  assert.throws(() => untarGzip(gzipSync(link)), /link or device/);
});

test('a configuration that is no text format is refused with the place', () => {
  for (const text of ['input [', 'max_batch_size 3', 'a: "x', 'a: }', '{', 'a: [1 2]']) {
    assert.throws(() => parseTextProto(text), /config\.pbtxt: /, text);
  }
});
