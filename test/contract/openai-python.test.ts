import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { pushFolder } from '../flow/push-model.ts';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';

/** A Python with openai; .ci/run makes one. */
const python = process.env.LAMBENT_TEST_PYTHON;
const script = new URL('./openai_client.py', import.meta.url).pathname;
const sound = new URL('../../models/digit-strings/golden/1.wav', import.meta.url).pathname;

test("OpenAI's Python client works unchanged", {
  skip: python ? false : 'LAMBENT_TEST_PYTHON names no Python with openai',
}, async (t) => {
  const temporary = await temporaryState();
  t.after(temporary.remove);
  const platform = await runPlatform(temporary.state);
  t.after(() => platform.end());
  for (const sample of ['digit-strings', 'storyteller']) await pushFolder(platform, `models/${sample}`);
  const { stdout } = await promisify(execFile)(python as string, [script, platform.url, platform.secret, sound]);
  assert.match(stdout, /all as expected/);
});
