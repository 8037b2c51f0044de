import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { startTestS3, type TestS3 } from './start-test-s3.ts';

let test3: TestS3;
before(async () => {
  test3 = await startTestS3();
});
after(() => test3.close());

const writer = fileURLToPath(new URL('write-in-a-loop.ts', import.meta.url));
const files = async () =>
  (await readdir(test3.directory, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
const get = async (Key: string) => {
  const answer = await test3.client.send(new GetObjectCommand({ Bucket: 'data', Key }));
  return { bytes: Buffer.from(await answer.Body!.transformToByteArray()), answer };
};

test('after a kill at any moment each object is whole, and each acknowledged write is there', {
  timeout: 60_000,
}, async () => {
  const acknowledged = new Map<string, number>();
  for (let round = 1; round <= 3; round++) {
    await test3.s3.close();
    const child = spawn(process.execPath, [writer, test3.directory, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let count = 0;
    for await (const line of createInterface(child.stdout)) {
      const [key, generation] = line.split(' ');
      acknowledged.set(key!, Number(generation));
      count += 1;
      if (count === 7 * round) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    await test3.restart();
    assert.equal((await files()).length, (await list()).length, 'what killed writes left is gone');
    for (const key of await list()) {
      const { bytes, answer } = await get(key);
      assert.equal(answer.ETag, `"${createHash('md5').update(bytes).digest('hex')}"`);
      const generation = Number(answer.Metadata?.generation);
      assert.ok(bytes.equals(Buffer.alloc(bytes.length, `${generation};`)), 'metadata and bytes are of one write');
      assert.ok(generation >= (acknowledged.get(key) ?? 0), 'an acknowledged write is not lost');
    }
    for (const key of acknowledged.keys()) assert.ok((await list()).includes(key));
  }
});

async function list(): Promise<string[]> {
  const { Contents = [] } = await test3.client.send(new ListObjectsV2Command({ Bucket: 'data' }));
  return Contents.map(({ Key }) => Key!);
}

test('a full disk is answered with 507, nothing half-written is visible, and the connection goes on', {
  timeout: 60_000,
  skip: process.platform === 'win32',
}, async () => {
  await test3.s3.close();
  // A limit on the size of a file fails a write in the same way as a full disk does.
  const shell = ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, writer, test3.directory, 'large'];
  const child = spawn('/bin/sh', shell, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  for await (const line of createInterface(child.stdout)) lines.push(line);
  assert.deepEqual(lines, ['200', '507 InternalError', '200', '507 InternalError', '200']);
  await test3.restart();
  assert.ok((await list()).includes('before'));
  assert.ok((await list()).includes('after'));
  assert.ok(!(await list()).includes('large'));
  assert.equal((await files()).length, (await list()).length);
});

test('a file that was never completed is no object', async () => {
  const folder = join(test3.directory, 'data');
  await writeFile(join(folder, '00FFFFFFFFFFFFFF'), '');
  await writeFile(join(folder, '00FFFFFFFFFFFFFE'), 'bytes without a record');
  await writeFile(join(folder, '00FFFFFFFFFFFFFD'), Buffer.from('{"key":"k"}\x0b\0\0\0LAMBENT1'));
  await writeFile(join(folder, '00FFFFFFFFFFFFFC'), Buffer.from('not json\x08\0\0\0LAMBENT1'));
  await writeFile(join(folder, '00FFFFFFFFFFFFFB'), Buffer.from('\xff\xff\xff\xffLAMBENT1', 'latin1'));
  const keys = await list();
  await test3.restart();
  assert.deepEqual(await list(), keys);
});
