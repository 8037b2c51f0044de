import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { type OnnxGraph, readOnnxGraph } from '../../commands/read-onnx-graph.ts';
import type { Services } from '../../functions/services.ts';
import { servingKey } from '../../functions/storage/object-keys.ts';
import { parseTextProto } from '../../local/sagemaker/text-proto.ts';
import { untarGzip } from '../../local/sagemaker/untar.ts';
import { connectServices } from '../flow/connect-services.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';

const root = new URL('../../', import.meta.url).pathname;
const data = new URL('../../../shared/data/', import.meta.url).pathname;
const skip = existsSync(data) ? false : '../shared/data is not there';

interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data: number[];
}

describe('models that others trained, as their authors ship them', { skip }, () => {
  let temporary: Awaited<ReturnType<typeof temporaryState>>;
  let platform: RunningPlatform;
  let services: Services;
  before(async () => {
    temporary = await temporaryState();
    platform = await runPlatform(temporary.state);
    ({ services } = connectServices(temporary.state));
  });
  after(async () => {
    await platform.end('SIGKILL');
    await temporary.remove();
  });

  function push(name: string): string {
    const env = { ...process.env, LAMBENT_STATE: temporary.state };
    return execFileSync(process.execPath, ['commands/push.ts', `${data}models/${name}`], {
      cwd: root,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  async function infer(model: string, inputs: readonly JsonTensor[]): Promise<JsonTensor[]> {
    const init = { method: 'POST', body: JSON.stringify({ inputs }) };
    const answer = await platform.request(`/v2/models/${model}/infer`, init);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return (JSON.parse(text) as { outputs: JsonTensor[] }).outputs;
  }

  test("a CNN becomes an API with one push, whose curl line works, and reads real digits as its author's runtime does", async () => {
    const printed = push('mnist');
    assert.match(printed, /^READY {2}mnist 1\n/);
    const line = printed.split('\n').find((text) => text.includes('curl')) as string;
    const answered = JSON.parse(execFileSync('sh', ['-c', `${line} -s`], { encoding: 'utf8' }));
    assert.deepEqual(answered.outputs[0].shape, [1, 10]);
    const session = await ort.InferenceSession.create(`${data}models/mnist/opt-mnist.onnx`);
    const images = gunzipSync(readFileSync(`${data}digits/images-idx3-ubyte.gz`)).subarray(16);
    const labels = gunzipSync(readFileSync(`${data}digits/labels-idx1-ubyte.gz`)).subarray(8);
    let right = 0;
    for (let index = 0; index < 30; index++) {
      const pixels = [...images.subarray(index * 784, (index + 1) * 784)];
      const shape = [1, 1, 28, 28];
      const [output] = await infer('mnist', [{ name: 'Input3', datatype: 'FP32', shape, data: pixels }]);
      const expected = await session.run({ Input3: new ort.Tensor('float32', Float32Array.from(pixels), shape) });
      assert.deepEqual(output!.data, [...(Object.values(expected)[0]!.data as Float32Array)].map(Math.fround));
      if (output!.data.indexOf(Math.max(...output!.data)) === labels[index]) right += 1;
    }
    assert.ok(right >= 28, `${right} of 30 digits are read`);
  });

  test("a recurrent model passes its state from call to call and answers what its author's runtime answers", async () => {
    assert.match(push('silero-vad'), /^READY {2}silero-vad 1\n/);
    const session = await ort.InferenceSession.create(`${data}models/silero-vad/silero_vad.onnx`);
    const samples = readFileSync(`${data}models/silero-vad/en_num.wav`).subarray(44);
    const rate = { name: 'sr', datatype: 'INT64', shape: [], data: [16_000] };
    let state = new Array<number>(256).fill(0);
    let expectedState = new ort.Tensor('float32', new Float32Array(256), [2, 1, 128]);
    for (let chunk = 0; chunk < 8; chunk++) {
      const window = Array.from({ length: 512 }, (_, i) => samples.readInt16LE((chunk * 512 + i) * 2) / 32_768);
      const outputs = await infer('silero-vad', [
        { name: 'input', datatype: 'FP32', shape: [1, 512], data: window },
        { name: 'state', datatype: 'FP32', shape: [2, 1, 128], data: state },
        rate,
      ]);
      const expected = await session.run({
        input: new ort.Tensor('float32', Float32Array.from(window), [1, 512]),
        state: expectedState,
        sr: new ort.Tensor('int64', BigInt64Array.of(16_000n), []),
      });
      const named = (name: string) => outputs.find((output) => output.name === name)!.data;
      assert.deepEqual(named('output'), [...(expected.output!.data as Float32Array)]);
      assert.deepEqual(named('stateN'), [...(expected.stateN!.data as Float32Array)]);
      state = named('stateN');
      expectedState = expected.stateN as ort.TypedTensor<'float32'>;
    }
  });

  test('their archives are Triton repositories whose config.pbtxt declares the tensors of the graph', async () => {
    for (const name of ['mnist', 'silero-vad']) {
      const archive = untarGzip(await services.readArtifact(servingKey(name, '1')));
      assert.deepEqual([...archive.keys()].sort(), ['model/1/model.onnx', 'model/config.pbtxt']);
      const folder = `${data}models/${name}/`;
      const file = readFileSync(folder + readdirSync(folder).find((path) => path.endsWith('.onnx')));
      assert.deepEqual(Buffer.from(archive.get('model/1/model.onnx')!), file);
      const config = parseTextProto(Buffer.from(archive.get('model/config.pbtxt')!).toString());
      const declared = (field: string) =>
        (config[field] as unknown as { name: string[]; dims: number[] }[]).map((tensor) => [
          tensor.name[0],
          tensor.dims,
        ]);
      const graph = readOnnxGraph(file);
      assert.deepEqual([config.backend, config.max_batch_size], [['onnxruntime'], [0]]);
      assert.deepEqual([declared('input'), declared('output')], [dimsOf(graph.inputs), dimsOf(graph.outputs)]);
    }
  });
});

/** Triton has no scalars: they are [1]; a dimension of any size is -1. */
function dimsOf(tensors: OnnxGraph['inputs']): unknown[] {
  return tensors.map(({ name, shape }) => {
    const dims = shape.map((size) => (typeof size === 'number' ? size : -1));
    return [name, dims.length === 0 ? [1] : dims];
  });
}
