import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';

/** A Python with schemathesis; .ci/run makes one. */
const python = process.env.LAMBENT_TEST_PYTHON;
const config = new URL('./schemathesis.toml', import.meta.url).pathname;

test('schemathesis finds no answer that /openapi.json does not promise', {
  skip: python ? false : 'LAMBENT_TEST_PYTHON names no Python with schemathesis',
}, async (t) => {
  const temporary = await temporaryState();
  t.after(temporary.remove);
  const platform = await runPlatform(temporary.state);
  t.after(() => platform.end());
  const scratch = await mkdtemp(join(tmpdir(), 'schemathesis-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const seed = process.env.OPENAPI_SEED ?? '20261127';
  const options = ['--phases=coverage,fuzzing', '--max-examples=2', `--seed=${seed}`, '--workers=2', '--no-color'];
  const key = ['--header', `x-api-key: ${platform.secret}`];
  const program = ['-m', 'schemathesis.cli', `--config-file=${config}`, 'run', `${platform.url}/openapi.json`];
  const run = promisify(execFile)(python as string, [...program, ...key, ...options], {
    cwd: scratch,
    maxBuffer: 2 ** 26,
  });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  // Its generator now and then fails by itself (a SystemError of Python's parser); what was sent and answered counts.
  const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(stdout) ?? [];
  assert.ok(Number(generated) > 500 && generated === passed, stdout.slice(-8000));
});
