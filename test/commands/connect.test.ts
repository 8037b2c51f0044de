import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readOutputs } from '../../commands/connect.ts';
import { readConfig } from '../../functions/config.ts';

test("the deployment's outputs are what the commands need of the functions' environment", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outputs-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'lambent-outputs.json');
  writeFileSync(
    file,
    JSON.stringify({
      LambentStorage: {
        TableName: 'table-1',
        ArtifactsBucket: 'artifacts-1',
        DataBucket: 'data-1',
        ApiKeyPepperSecretId: 'arn:aws:secretsmanager:x',
        DeadLetterQueues: '{}',
      },
      LambentService: { ApiUrl: 'https://abc.execute-api.us-east-1.amazonaws.com/v1/' },
    }),
  );
  const environment = readOutputs(file);
  assert.equal(environment.LAMBENT_URL, 'https://abc.execute-api.us-east-1.amazonaws.com/v1');
  const { TABLE_NAME, ARTIFACTS_BUCKET, DATA_BUCKET, API_KEY_PEPPER_SECRET_ID } = readConfig(environment);
  assert.deepEqual(
    [TABLE_NAME, ARTIFACTS_BUCKET, DATA_BUCKET, API_KEY_PEPPER_SECRET_ID],
    ['table-1', 'artifacts-1', 'data-1', 'arn:aws:secretsmanager:x'],
  );
  assert.throws(() => readOutputs(join(folder, 'none.json')), /npm run deploy/);
});
