import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createArtifacts } from '../../../functions/aws/artifacts.ts';
import { readConfig } from '../../../functions/config.ts';
import { startAwsServer } from '../../aws-server.ts';

const aws = await startAwsServer('S3');
after(() => aws.close());
const { readArtifact, writeArtifact } = createArtifacts(
  readConfig({ TABLE_NAME: 'table', ARTIFACTS_BUCKET: 'artifacts', DATA_BUCKET: 'data-sets' }),
);
const s3Error = (status: number, code: string) => ({ status, body: `<Error><Code>${code}</Code></Error>` });

test('an artifact is read as it lies in the bucket; one that is missing is model_failed with its key', async () => {
  aws.answer({ status: 200, body: Uint8Array.of(1, 2, 255) });
  assert.deepEqual(await readArtifact('models/m/1/a b'), Buffer.of(1, 2, 255));
  assert.match(aws.requests[0]!.path, /models\/m\/1\/a%20b/);
  aws.answer(s3Error(404, 'NoSuchKey'));
  await assert.rejects(readArtifact('models/m/1/x'), { code: 'model_failed', message: /no object 'models\/m\/1\/x'/ });
});

test('an artifact is written once: where one lies already nothing changes, and a race is run again', async () => {
  aws.answer(s3Error(409, 'ConditionalRequestConflict'), { status: 200 });
  assert.equal(await writeArtifact('serving/m-1.tar.gz', Uint8Array.of(1)), true);
  assert.equal(aws.requests.length, 2);
  assert.equal(aws.requests[1]!.headers['if-none-match'], '*');
  aws.answer(s3Error(412, 'PreconditionFailed'));
  assert.equal(await writeArtifact('serving/m-1.tar.gz', Uint8Array.of(1)), false);
});
