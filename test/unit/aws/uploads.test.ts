import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createArtifacts } from '../../../functions/aws/artifacts.ts';
import { createUploads } from '../../../functions/aws/uploads.ts';
import { readConfig } from '../../../functions/config.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';
import { applyEnvironment, localEnvironment, resources } from '../../../local/environment.ts';
import { startS3 } from '../../../local/s3/s3.ts';

let directory: string;
let s3: Awaited<ReturnType<typeof startS3>>;
let uploads: ReturnType<typeof createUploads>;
let artifacts: ReturnType<typeof createArtifacts>;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'uploads-'));
  s3 = await startS3({ directory, buckets: [resources.ARTIFACTS_BUCKET] });
  applyEnvironment(localEnvironment({ S3: s3.url }));
  const config = readConfig(process.env);
  uploads = createUploads(config);
  artifacts = createArtifacts(config);
});
after(async () => {
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

const random = seededRandom('uploads');
const large = Buffer.from(Uint32Array.from({ length: 5_000_000 }, () => random() * 2 ** 32).buffer);
const file = {
  size: large.length,
  sha256: createHash('sha256').update(large).digest('hex'),
  read: async (offset: number, length: number) => large.subarray(offset, offset + length),
};
const pending = async () => await (await fetch(`${s3.url}/${resources.ARTIFACTS_BUCKET}?uploads`)).text();

test('a file of 20 MB arrives in parts, with its digest beside it, and every byte is counted once', async () => {
  let sent = 0;
  await uploads.uploadArtifact('models/m/1/model.onnx', file, (bytes) => {
    sent += bytes;
  });
  assert.equal(sent, large.length);
  const { uploadedAt = '', ...there } = (await uploads.findArtifact('models/m/1/model.onnx')) ?? {};
  assert.deepEqual(there, { size: file.size, sha256: file.sha256 });
  assert.ok(Math.abs(Date.parse(uploadedAt) - Date.now()) < 60_000, uploadedAt);
  const found = await artifacts.inspectArtifact('models/m/1/model.onnx', file.size);
  assert.deepEqual([found?.sha256, found?.head.length], [file.sha256, 128]);
  assert.doesNotMatch(await pending(), /<UploadId>/);
});

const failingAt = (end: number) => ({
  ...file,
  read: (offset: number, length: number) =>
    offset >= end ? Promise.reject(new Error('disk')) : file.read(offset, length),
});

test('an upload that breaks off leaves no object; the next one sends only the parts that are not there', async () => {
  const key = 'models/m/1/other.onnx';
  await assert.rejects(
    uploads.uploadArtifact(key, failingAt(16_000_000), () => {}),
    /disk/,
  );
  assert.equal(await uploads.findArtifact(key), undefined);
  s3.faults.add({ match: { operation: 'UploadPart', path: 'partNumber=1&' }, status: 500 });
  let sent = 0;
  await uploads.uploadArtifact(key, file, (bytes) => {
    sent += bytes;
  });
  assert.equal(s3.faults.list().length, 1, 'part 1 was not sent again');
  s3.faults.clear();
  assert.equal(sent, large.length);
  assert.equal((await artifacts.inspectArtifact(key, file.size))?.sha256, file.sha256);
  assert.doesNotMatch(await pending(), /<UploadId>/);
});

test('parts of another file are not taken for those of this one', async () => {
  const key = 'models/m/1/mended.onnx';
  const other = Buffer.alloc(large.length, 7);
  const broken = { ...failingAt(8_000_000), sha256: 'other', read: failingAt(8_000_000).read };
  const read = (offset: number, length: number) =>
    offset > 0 ? broken.read(offset, length) : Promise.resolve(other.subarray(0, length));
  await assert.rejects(
    uploads.uploadArtifact(key, { ...broken, read }, () => {}),
    /disk/,
  );
  await uploads.uploadArtifact(key, file, () => {});
  assert.equal((await artifacts.inspectArtifact(key, file.size))?.sha256, file.sha256);
  assert.doesNotMatch(await pending(), /<UploadId>/);
});

test('an object of another size than expected is not read', async () => {
  assert.deepEqual(await artifacts.inspectArtifact('models/m/1/model.onnx', 3_000_000_000), {
    size: file.size,
    head: '',
  });
  assert.equal(await artifacts.inspectArtifact('models/m/1/none', 1), undefined);
});
