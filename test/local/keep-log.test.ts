import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { keepLog } from '../../local/keep-log.ts';

test('the log goes on, in order, after a time in which it could not be written', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'lambent-log-'));
  const file = join(directory, 'later', 'log.jsonl');
  const { log } = console;
  t.after(async () => {
    console.log = log;
    await rm(directory, { recursive: true });
  });
  await keepLog(file);
  console.log('lost');
  await delay(200);
  await mkdir(join(directory, 'later'));
  const lines = ['first', 'second', 'third'];
  for (const line of lines) {
    console.log(line);
    await delay(60);
  }
  while (!existsSync(file) || !(await readFile(file, 'utf8')).includes('third')) await delay(20);
  assert.equal(await readFile(file, 'utf8'), 'first\nsecond\nthird\n');
});
