import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { deriveManifest } from '../../commands/derive-manifest.ts';
import { readPackageFolder } from '../../commands/read-package-folder.ts';
import { addOneModel, onnxModel } from '../onnx-model.ts';

const root = mkdtempSync(join(tmpdir(), 'derive-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Gives dimension 0 of `x` and of `y` one name, as exporters do where it is the batch. */
const batched = (model: Uint8Array) =>
  Buffer.from(
    Buffer.from(model)
      .toString('latin1')
      .replaceAll(/[xy]_0/g, 'n_0'),
    'latin1',
  );
const graph = batched(addOneModel());
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

function folder(name: string, files: Record<string, Uint8Array | string>): string {
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name, path)), { recursive: true });
    writeFileSync(join(root, name, path), data);
  }
  return join(root, name);
}

const derive = (path: string, options = {}) => deriveManifest(readPackageFolder(path), options);

test("a Hugging Face folder gives its task, graph, licence, batch and files, without other frameworks' weights", async () => {
  const config = '{"architectures": ["ResNetForImageClassification"], "id2label": {"0": "cat"}}';
  const card = '---\nlicense: mit\ntags: [a]\n---\n# Card';
  const path = folder('My ResNet', {
    'config.json': config,
    'README.md': card,
    'pytorch_model.bin': 'weights',
    'onnx/model.onnx': graph,
    'onnx/model_quantized.onnx': graph,
  });
  assert.deepEqual(readPackageFolder(path).leftOut, ['pytorch_model.bin']);
  assert.deepEqual(await derive(path), {
    name: 'my-resnet',
    version: '1',
    task: 'image-classification',
    host: 'lambda',
    model: 'onnx/model.onnx',
    maxBatchSize: 32,
    golden: [],
    license: 'mit',
    files: {
      'README.md': { sha256: sha256(card), size: card.length },
      'config.json': { sha256: sha256(config), size: config.length },
      'onnx/model.onnx': { sha256: sha256(graph), size: graph.length },
    },
  });
});

test("architectures tell the task; a sound model's sequence classification is one of sounds, unknown ones have none", async () => {
  for (const [config, task] of [
    [{ architectures: ['BertForSequenceClassification'], model_type: 'bert' }, 'text-classification'],
    [{ architectures: ['HubertForSequenceClassification'], model_type: 'hubert' }, 'audio-classification'],
    [{ architectures: ['Wav2Vec2ForCTC'], model_type: 'wav2vec2' }, 'automatic-speech-recognition'],
    [{ architectures: ['SomethingForNothing'] }, undefined],
    [{}, undefined],
  ] as const) {
    const path = folder('tasks', { 'config.json': JSON.stringify(config), 'model.onnx': graph });
    assert.equal((await derive(path)).task, task);
  }
});

test('a bare ONNX file is a package; options go before model.json, and that before what is derived', async () => {
  const path = folder('bare', { 'Tiny_1.onnx': graph });
  const { name, version, task, files } = await derive(join(path, 'Tiny_1.onnx'));
  assert.deepEqual([name, version, task, Object.keys(files)], ['tiny_1', '1', undefined, ['Tiny_1.onnx']]);
  folder('bare', { 'model.json': '{"name": "named", "version": "7", "maxBatchSize": 4}' });
  const given = await derive(path, { version: '8', task: 'text-classification', host: 'sagemaker' });
  assert.deepEqual(
    [given.name, given.version, given.task, given.host, given.maxBatchSize],
    ['named', '8', 'text-classification', 'sagemaker', 4],
  );
});

test('requests are batched only where dimension 0 of every tensor varies, under one name', async () => {
  const model = (first: number) =>
    onnxModel({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', datatype: 'FP32', shape: [first, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    });
  const derived = async (bytes: Uint8Array) => (await derive(folder('batch', { 'model.onnx': bytes }))).maxBatchSize;
  assert.equal(await derived(batched(model(-1))), 32);
  assert.equal(await derived(model(-1)), 0);
  assert.equal(await derived(batched(model(1))), 0);
});

test('what cannot become a package is refused with what to do', async () => {
  const refused: [Record<string, Uint8Array | string>, RegExp][] = [
    [{ 'pytorch_model.bin': 'x' }, /no ONNX file: export the weights first/],
    [{ 'a.onnx': graph, 'b.onnx': graph }, /several graphs \(a\.onnx, b\.onnx\)/],
    [{ 'model.onnx': 'not a graph' }, /model\.onnx: it is no ONNX graph/],
    [{ 'model.onnx': graph, 'config.json': '{' }, /config\.json is no JSON/],
    [{ 'model.onnx': graph, 'model.json': '{"version": "a b"}' }, /model\.json is not valid[\s\S]*version/],
  ];
  for (const [index, [files, message]] of refused.entries()) {
    await assert.rejects(derive(folder(`refused${index}`, files)), message);
  }
  await assert.rejects(derive(folder('option', { 'model.onnx': graph }), { task: 'cooking' }), /task/);
});
