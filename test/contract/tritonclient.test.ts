import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';
import { pushTritonModels } from './triton-models.ts';

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
  await pushTritonModels(platform, 8);
  const address = platform.url.replace('http://', '');
  const { stdout } = await promisify(execFile)(python as string, [script, address, platform.secret]);
  assert.match(stdout, /all as expected/);
});
