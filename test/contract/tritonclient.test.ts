import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { pushModel } from '../flow/push-model.ts';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';
import { onnxModel } from '../onnx-model.ts';

/** A Python with tritonclient[http]; .ci/run makes one. */
const python = process.env.LAMBENT_TEST_PYTHON;
const script = new URL('./triton_client.py', import.meta.url).pathname;

test("NVIDIA's tritonclient works unchanged", {
  skip: python ? false : 'LAMBENT_TEST_PYTHON names no Python with tritonclient',
}, async (t) => {
  const temporary = await temporaryState();
  t.after(temporary.remove);
  const platform = await runPlatform(temporary.state);
  t.after(() => platform.end());
  const maxBatchSize = 8;
  await pushModel(platform, { name: 'simple', maxBatchSize }, simpleModel());
  await pushModel(platform, { name: 'simple_identity', maxBatchSize }, identityModel());
  const address = platform.url.replace('http://', '');
  const { stdout } = await promisify(execFile)(python as string, [script, address, platform.secret]);
  assert.match(stdout, /all as expected/);
});

/** Sum and difference of two rows of 16 numbers, the model of NVIDIA's examples. */
function simpleModel(): Uint8Array {
  const row = (name: string) => ({ name, datatype: 'INT32' as const, shape: [-1, 16] });
  return onnxModel({
    nodes: [
      { op: 'Add', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT0'] },
      { op: 'Sub', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT1'] },
    ],
    inputs: [row('INPUT0'), row('INPUT1')],
    outputs: [row('OUTPUT0'), row('OUTPUT1')],
  });
}

function identityModel(): Uint8Array {
  const words = (name: string) => ({ name, datatype: 'BYTES' as const, shape: [-1, -1] });
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: ['INPUT0'], outputs: ['OUTPUT0'] }],
    inputs: [words('INPUT0')],
    outputs: [words('OUTPUT0')],
  });
}
