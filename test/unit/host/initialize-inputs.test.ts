import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import { createBytesTensor, createTensor, decodeBytes, elementsOf } from '../../../functions/inference/tensor.ts';
import { type OnnxInitializer, onnxModel } from '../../onnx-model.ts';

const host = createModelHost({ cacheBytes: 1e9 });
after(() => host.close());

/** Gives back a text, another text and a number; `ballast`: an initializer that nothing uses. */
function echo(id: string, ballast: OnnxInitializer[] = []) {
  const graph = onnxModel({
    nodes: ['text', 'other', 'number'].map((name) => ({ op: 'Identity', inputs: [name], outputs: [`${name}_out`] })),
    inputs: values(''),
    outputs: values('_out'),
    initializers: ballast,
  });
  return { id, bytes: graph.length, maxBatchSize: 8, load: async () => ({ graph, externalData: [] }) };
}

function values(suffix: string) {
  return (['text', 'other', 'number'] as const).map((name) => ({
    name: name + suffix,
    datatype: name === 'number' ? ('FP32' as const) : ('BYTES' as const),
    shape: [-1, 2],
  }));
}

const request = (text: string) => ({
  inputs: [
    createBytesTensor('text', [1, 2], [text, 'ä']),
    createBytesTensor('other', [1, 2], ['b', '']),
    createTensor('number', 'FP32', [1, 2], Float32Array.of(1.5, -2)),
  ],
});
const soon = () => Date.now() + 60_000;

test('a text with NUL goes into the graph whole, beside inputs that are fed, alone and in a shared run', async () => {
  const model = echo('echo');
  const texts = ['a\0b', 'plain', '\0', 'x'.repeat(200)];
  const answers = await Promise.all(texts.map((text) => host.infer(model, request(text), soon())));
  for (const [index, { outputs }] of answers.entries()) {
    const [text, other, number] = outputs;
    const strings = (data: Uint8Array) => decodeBytes(data).map((element) => Buffer.from(element).toString());
    assert.deepEqual(strings(text!.data), [texts[index], 'ä']);
    assert.deepEqual(strings(other!.data), ['b', '']);
    assert.deepEqual(Array.from(elementsOf({ ...number!, datatype: 'FP32' })), [1.5, -2]);
  }
});

test('a model too large to be loaded for one request takes no text with NUL, and says so', async () => {
  const data = new Float32Array(2 ** 22 + 1);
  const model = echo('large', [{ name: 'ballast', datatype: 'FP32', shape: [data.length], data }]);
  await host.infer(model, request('plain'), soon());
  await assert.rejects(host.infer(model, request('a\0b'), soon()), {
    code: 'model_rejected_input',
    message: /^input 'text' holds a NUL byte; the CPU host takes such text where the model has up to 16777216 bytes/,
  });
});
