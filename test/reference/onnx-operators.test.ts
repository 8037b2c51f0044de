import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createModelHost } from '../../functions/host/create-model-host.ts';
import type { ModelSource } from '../../functions/host/model-host.ts';
import { parseInferRequest } from '../../functions/inference/parse-infer.ts';
import type { Datatype, InferRequest, Tensor } from '../../functions/inference/protocol.ts';
import {
  createElements,
  createTensor,
  decodeBytes,
  type NumericDatatype,
  numbersOf,
  numberToHalf,
} from '../../functions/inference/tensor.ts';

const data = new URL('../../../shared/data/onnx/', import.meta.url);
const absent = existsSync(data) ? false : '../shared/data/onnx is not here';
/** An unpacked `onnx` wheel: the models of the cases are in it. */
const wheel = process.env.LAMBENT_ONNX_TEST_DATA;
const noModels = absent || (wheel ? false : 'LAMBENT_ONNX_TEST_DATA names no unpacked onnx wheel');

const host = createModelHost({ cacheBytes: 10_000_000 });
after(() => host.close());
const soon = () => Date.now() + 60_000;

/** A tensor as the file has it: NaN and the infinities are strings, since JSON has no word for them. */
interface WrittenTensor {
  name: string;
  datatype: Datatype;
  shape: number[];
  data: (number | string | boolean)[];
}

interface Case {
  name: string;
  model: string;
  tags: string[];
  request: { id: string; inputs: WrittenTensor[] };
  expected_outputs: WrittenTensor[];
}

function modelSource(id: string, path: string | URL): ModelSource {
  const load = async () => ({ graph: readFileSync(path), externalData: [] });
  return { id, bytes: 100_000, maxBatchSize: 0, load };
}

/** The JSON codec reads what JSON can say; the rest is sent in binary, as a client has to. */
function readRequest({ request, tags }: Case): InferRequest {
  if (tags.includes('nan-or-inf')) return { inputs: request.inputs.map(toTensor) };
  return parseInferRequest(Buffer.from(JSON.stringify(request)), Buffer.alloc(0));
}

function toTensor({ name, datatype, shape, data }: WrittenTensor): Tensor {
  const elements = createElements(datatype as NumericDatatype, data.length);
  for (const [index, element] of data.entries()) {
    const value = Number(element);
    if (datatype === 'INT64' || datatype === 'UINT64') elements[index] = BigInt(value);
    else elements[index] = datatype === 'FP16' ? numberToHalf(value) : value;
  }
  return createTensor(name, datatype as NumericDatatype, shape, elements);
}

/** What is wrong with `actual`; undefined: nothing. Floats may differ as in ONNX's own runner (1e-3 of the value). */
function findFault(actual: Tensor | undefined, expected: WrittenTensor): string | undefined {
  const { name, datatype, shape } = expected;
  if (actual?.name !== name || actual.datatype !== datatype || String(actual.shape) !== String(shape)) {
    return `${name} ${datatype} [${shape}] is ${actual?.name} ${actual?.datatype} [${actual?.shape}]`;
  }
  const values = elementsAsWritten(actual);
  if (values.length !== expected.data.length) return `${name} has ${values.length} elements`;
  const index = values.findIndex((value, at) => !isClose(value, expected.data[at]!, datatype));
  return index < 0 ? undefined : `${name}[${index}] is ${values[index]}, not ${expected.data[index]}`;
}

function elementsAsWritten(tensor: Tensor): (number | string)[] {
  if (tensor.datatype === 'BYTES') return decodeBytes(tensor.data).map((element) => Buffer.from(element).toString());
  return Array.from<number | bigint>(numbersOf(tensor as Tensor & { datatype: NumericDatatype })).map(Number);
}

function isClose(actual: number | string, expected: number | string | boolean, datatype: Datatype): boolean {
  if (typeof actual === 'string') return actual === expected;
  const wanted = Number(expected);
  if (Object.is(actual, wanted) || actual === wanted) return true;
  return datatype.startsWith('FP') && Math.abs(actual - wanted) <= 1e-5 + 1e-3 * Math.abs(wanted);
}

test('every operator case of ONNX whose model is at hand comes out right', { skip: noModels }, async (t) => {
  const lines = gunzipSync(readFileSync(new URL('v2-golden.jsonl.gz', data)))
    .toString()
    .trim()
    .split('\n');
  const cases = lines.map((line) => JSON.parse(line) as Case);
  const present = cases.filter(({ model }) => existsSync(join(wheel!, model)));
  const queue = [...present];
  const faults: string[] = [];
  async function work(): Promise<void> {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, model, expected_outputs: expected } = next;
      try {
        const { outputs } = await host.infer(modelSource(name, join(wheel!, model)), readRequest(next), soon());
        const found = expected.map((tensor, index) => findFault(outputs[index], tensor)).find(Boolean);
        if (found) faults.push(`${name}: ${found}`);
      } catch (error) {
        faults.push(`${name}: ${(error as Error).message}`);
      }
      await host.unload(name);
    }
  }
  await Promise.all([work(), work()]);
  t.diagnostic(`${present.length} of ${cases.length} cases ran; the wheel lacks the models of the others`);
  assert.deepEqual(faults, []);
  // onnx 1.22.0 has 321 of the models.
  assert.ok(present.length >= 321, `only ${present.length} models are in ${wheel}`);
});

for (const name of ['resnet50', 'shufflenet', 'squeezenet']) {
  test(`the ImageNet network ${name} answers its stored output`, { skip: absent }, async () => {
    const model = modelSource(name, new URL(`light/light_${name}.onnx`, data));
    const { inputs } = await host.describe(model, soon());
    const pixels = new Float32Array(3 * 224 * 224).map((_, index) => index / (3 * 224 * 224));
    const request = { inputs: [createTensor(inputs[0]!.name, 'FP32', [1, 3, 224, 224], pixels)] };
    const { outputs } = await host.infer(model, request, soon());
    const actual = [...numbersOf(outputs[0] as Tensor & { datatype: 'FP32' })] as number[];
    const expected = readFloats(readFileSync(new URL(`light/light_${name}_output_0.pb`, data)));
    assert.equal(actual.length, 1000);
    assert.deepEqual(
      actual.filter((value, index) => !isClose(value, expected[index]!, 'FP32')),
      [],
    );
  });
}

/** The 1000 floats at the end of a small TensorProto (raw_data or float_data, the last field with a length). */
function readFloats(file: Buffer): Float32Array {
  const marker = file.indexOf(Buffer.from([0x4a, 0xa0, 0x1f]));
  assert.ok(marker >= 0, 'the file has no raw_data of 4,000 bytes');
  return new Float32Array(new Uint8Array(file.subarray(marker + 3, marker + 4003)).buffer);
}
