import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { addOneModel, type OnnxGraph, onnxModel } from '../onnx-model.ts';

/** A package that must not be served, and why. */
export interface HostilePackage {
  readonly title: string;
  /** What is uploaded; undefined in `files` of model.json follows from it. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Goes over what a good model.json of these files would say; a string or bytes are model.json itself. */
  readonly manifest: object | string | Uint8Array;
  readonly reason: RegExp;
}

const good = addOneModel();
const float = (name: string, shape: number[]) => ({ name, datatype: 'FP32' as const, shape });
const graphOf = (graph: Partial<OnnxGraph>) =>
  onnxModel({ nodes: [], inputs: [float('x', [-1, 3])], outputs: [float('y', [-1, 3])], ...graph });
const external = (path: string) =>
  graphOf({
    nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    initializers: [{ ...float('w', [3]), data: { path, length: 12 } }],
  });
const constant = (elements: bigint) =>
  graphOf({
    nodes: [
      { op: 'ConstantOfShape', inputs: ['s'], outputs: ['c'] },
      { op: 'ReduceSum', inputs: ['c'], outputs: ['r'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: ['x', 'r'], outputs: ['y'] },
    ],
    initializers: [{ name: 's', datatype: 'INT64', shape: [1], data: BigInt64Array.of(elements) }],
  });
/** The opset's version is the last byte of the file. */
const opset = (version: number) => Buffer.from([...good.slice(0, -1), version]);
const entry = (data: Uint8Array | string) => ({
  sha256: createHash('sha256').update(data).digest('hex'),
  size: Buffer.byteLength(data as string),
});
const listed = (path: string) => ({ files: { 'model.onnx': entry(good), [path]: entry('x') } });
const withFile = (path: string, data: Uint8Array | string, reason: RegExp, title = path): HostilePackage => ({
  title,
  files: { 'model.onnx': good, [path]: data },
  manifest: {},
  reason,
});
const withGraph = (title: string, graph: Uint8Array | string, reason: RegExp, manifest: object = {}) => ({
  title,
  files: { 'model.onnx': graph },
  manifest,
  reason,
});
const withManifest = (title: string, manifest: HostilePackage['manifest'], reason: RegExp) => ({
  title,
  files: { 'model.onnx': good },
  manifest,
  reason,
});
const golden = (input: unknown, output: unknown) => ({ golden: [{ input, output }] });
const tensor = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] };

export const hostilePackages: readonly HostilePackage[] = [
  withManifest('a path that leaves the package', listed('../../etc/passwd'), /leaves the package: '\.\.'/),
  withManifest('a path that leaves it later', listed('a/../../x'), /leaves the package/),
  withManifest('an absolute path', listed('/etc/passwd'), /is an absolute path/),
  withManifest('a drive', listed('C:\\x'), /is an absolute path/),
  withManifest('a URL', listed('file:///etc/passwd'), /is an absolute path/),
  withManifest('a backslash', listed('a\\b'), /control character or a backslash/),
  withManifest('a NUL', listed('a\u0000b'), /control character or a backslash/),
  withManifest('an empty segment', listed('a//b'), /not a plain relative path/i),
  withManifest('a hidden file', listed('.ssh/id'), /not a plain relative path/i),
  withManifest('a link', { files: { 'model.onnx': { ...entry(good), symlink: '/etc/passwd' } } }, /is given as a link/),
  withManifest('the graph elsewhere', { model: '../other/1/model.onnx' }, /leaves the package/),
  withManifest('model.json itself', listed('model.json'), /lists itself/),
  withFile('weights.pkl', 'x', /may hold a pickle/),
  withFile('model.pt', 'x', /may hold a pickle/),
  withFile('model.keras', 'x', /is a Keras model/),
  withFile('model.h5', 'x', /is a Keras model/),
  withFile('1/model.py', 'x', /Python backend/),
  withFile('model.safetensors', 'x', /model in another format/),
  withFile('all.zip', 'x', /is an archive/),
  withFile('data', Buffer.from('8004958c00', 'hex'), /'data' is a pickle/, 'a pickle under another name'),
  withGraph('a PyTorch archive as graph', Buffer.from('504b0304140000', 'hex'), /'model\.onnx' is a zip archive/),
  withGraph('an HDF5 file as graph', Buffer.from('894844460d0a1a0a', 'hex'), /'model\.onnx' is an HDF5 file/),
  withGraph('a program as graph', '#!/bin/sh\n', /is a program/),
  withGraph('a compressed graph', gzipSync(good), /is compressed/),
  withGraph('a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid', /is a Git LFS pointer/),
  withManifest(
    'a lying hash',
    { files: { 'model.onnx': { ...entry(good), sha256: '0'.repeat(64) } } },
    /has the sha256/,
  ),
  withManifest('a lying size', { files: { 'model.onnx': { ...entry(good), size: 7 } } }, /bytes; model\.json says 7/),
  withManifest(
    '3 GB',
    { files: { 'model.onnx': { ...entry(good), size: 3e9 } } },
    /3000000000 bytes.*may have 1000000000/,
  ),
  withManifest('a file that is not there', listed('vocab.txt'), /'vocab\.txt' is listed .* not uploaded/),
  withManifest('no graph', { files: {} }, /lists no file 'model\.onnx'/),
  withGraph('an empty graph', '', /'model\.onnx' is empty/),
  withManifest('an empty model.json', '', /model\.json is empty/),
  withManifest('model.json is no JSON', '{"name":', /not valid JSON/),
  withManifest('model.json is a list', '[]', /not valid/),
  withManifest('a model.json of 17 MB', Buffer.alloc(17 * 2 ** 20, 32), /17825792 bytes; 16777216 are allowed/),
  withManifest('labels of a megabyte', { labels: new Array(100_000).fill('a label') }, /bytes; 300000 are kept/),
  withManifest(
    'a hundred thousand bad paths',
    { files: Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`f${at}`, 1])) },
    /not valid/,
  ),
  withManifest('another name', { name: 'other' }, /is for other\/1 but was uploaded as/),
  withManifest('a pattern that is none', { version: 'a/b' }, /not valid[\s\S]*version/),
  withManifest('an unknown task', { task: 'cooking' }, /not valid[\s\S]*task/),
  withGraph('no ONNX', 'certainly not', /cannot be loaded/),
  withGraph('a cut graph', good.subarray(0, good.length - 20), /cannot be loaded/),
  withGraph('an opset of the future', opset(99), /opset/i),
  withGraph('an unknown operator', graphOf({ nodes: [{ op: 'Explode', inputs: ['x'], outputs: ['y'] }] }), /Explode/),
  withGraph('external data outside', external('../../../etc/passwd'), /external data from .* outside of the package/),
  withGraph('absolute external data', external('/etc/passwd'), /external data from "\/etc\/passwd", outside/),
  withGraph('external data that is not there', external('weights'), /external data "weights", which model\.json/),
  withGraph('4 TB in one constant', constant(2n ** 40n), /a trial with zeros failed: .*alloc/i),
  withGraph(
    'a fixed batch',
    graphOf({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [float('x', [1, 3])],
      outputs: [float('y', [1, 3])],
    }),
    /maxBatchSize is 8 but dimension 0/,
    { maxBatchSize: 8 },
  ),
  withManifest(
    'a task that does not fit',
    { task: 'image-classification', preprocessing: {} },
    /the task image-classification does not fit the model/,
  ),
  withManifest(
    'another golden answer',
    golden(tensor, { outputs: [{ name: 'y', data: [2, 3, 4.5] }] }),
    /off by 0\.5 \(tolerance 0\.0001\) at outputs\[0\]\.data\[2\]/,
  ),
  withManifest(
    'a golden input of another shape',
    golden({ inputs: [{ ...tensor.inputs[0], shape: [3, 1] }] }, {}),
    /golden case 0 .* is not answered/,
  ),
];

/** model.json of a package: what a good one would say, and over it what is wrong. */
export function manifestOf(name: string, { files, manifest }: HostilePackage): Uint8Array {
  if (typeof manifest === 'string' || manifest instanceof Uint8Array) return Buffer.from(manifest as string);
  const entries = Object.fromEntries(Object.entries(files).map(([path, data]) => [path, entry(data)]));
  return Buffer.from(JSON.stringify({ name, version: '1', files: entries, ...manifest }));
}
