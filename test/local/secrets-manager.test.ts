import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startSecretsManager } from '../../local/secrets-manager.ts';

const directory = await mkdtemp(join(tmpdir(), 'lambent-secrets-'));
after(() => rm(directory, { recursive: true }));

async function start(t: TestContext, file: string, secretIds: string[]) {
  const standIn = await startSecretsManager({ file, secretIds });
  t.after(() => standIn.close());
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SecretsManagerClient({ endpoint: standIn.url, region: 'us-east-1', credentials });
  return {
    get: (SecretId: string, more = {}) => client.send(new GetSecretValueCommand({ SecretId, ...more })),
    client,
    standIn,
  };
}

test('a secret is made once, is readable by its owner alone and outlives restarts', async (t) => {
  const file = join(directory, 'state', 'secrets.json');
  const first = await start(t, file, ['pepper']);
  const { $metadata, ...secret } = await first.get('pepper');
  assert.match(secret.SecretString ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual([secret.Name, secret.VersionStages], ['pepper', ['AWSCURRENT']]);
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
  await first.standIn.close();
  const second = await start(t, file, ['pepper', 'another']);
  const { $metadata: _, ...again } = await second.get(secret.ARN!, { VersionId: secret.VersionId });
  assert.deepEqual(again, secret);
  assert.notEqual((await second.get('another')).SecretString, secret.SecretString);
  await second.standIn.close();
});

test('what is not there or not supported is refused', async (t) => {
  const { client, get, standIn } = await start(t, join(directory, 'refusals.json'), ['pepper']);
  const notFound = { name: 'ResourceNotFoundException' };
  await assert.rejects(get('salt'), notFound);
  await assert.rejects(get('__proto__'), notFound);
  await assert.rejects(get('pepper', { VersionStage: 'AWSPREVIOUS' }), notFound);
  await assert.rejects(get('pepper', { VersionId: '0'.repeat(32) }), notFound);
  const list = client.send(new ListSecretsCommand());
  await assert.rejects(list, { name: 'NotImplemented', message: 'ListSecrets is not supported by this stand-in' });
  const headers = { 'x-amz-target': 'secretsmanager.GetSecretValue' };
  assert.equal((await fetch(standIn.url, { method: 'POST', headers, body: '{' })).status, 400);
  await standIn.close();
});

test('a damaged file is an error and is left as it is', async () => {
  const file = join(directory, 'damaged.json');
  await writeFile(file, '{"pepper": ');
  await assert.rejects(startSecretsManager({ file, secretIds: ['pepper'] }), /damaged\.json does not hold secrets/);
  assert.equal(await readFile(file, 'utf8'), '{"pepper": ');
});
