import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Registration } from '../../functions/registry/model-manifest.ts';
import type { Services } from '../../functions/services.ts';
import { modelFileKey } from '../../functions/storage/object-keys.ts';
import { connectServices, listKeys } from './connect-services.ts';
import { hostilePackages, manifestOf } from './hostile-packages.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
let services: Services;
let s3: string;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  ({ services, s3 } = connectServices(temporary.state));
});
after(async () => {
  await platform.end('SIGKILL');
  await temporary.remove();
});

async function outcome(name: string): Promise<Registration> {
  for (;;) {
    const registration = await services.readRegistration(name, '1');
    if (registration?.finishedAt) return registration;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test(`${hostilePackages.length} hostile packages are FAILED, each for its own reason; nothing is written and others are served`, async () => {
  assert.ok(hostilePackages.length >= 40);
  const before = await listKeys(s3, '');
  const uploaded: string[] = [];
  const put = async (key: string, data: Uint8Array) => {
    await services.replaceArtifact(key, data);
    uploaded.push(key);
  };
  const picture = readFileSync('models/digits/golden/7.png');
  for (const [index, hostile] of hostilePackages.entries()) {
    for (const [path, data] of Object.entries(hostile.files)) {
      await put(modelFileKey(`hostile-${index}`, '1', path), Buffer.from(data as string));
    }
    await put(modelFileKey(`hostile-${index}`, '1', 'model.json'), manifestOf(`hostile-${index}`, hostile));
    if (index % 10 > 0) continue;
    const answer = await platform.request('/models/digits', { method: 'POST', body: picture });
    assert.equal(answer.status, 200);
  }
  const wrong: object[] = [];
  for (const [index, { title, reason }] of hostilePackages.entries()) {
    const { status, reason: given = '' } = await outcome(`hostile-${index}`);
    if (status !== 'FAILED' || !reason.test(given)) wrong.push({ title, status, given });
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual((await listKeys(s3, '')).sort(), [...before, ...uploaded].sort());
  const { models } = (await (await platform.request('/models')).json()) as { models: { name: string }[] };
  assert.deepEqual(
    models.map(({ name }) => name),
    ['digits', 'sentiment'],
  );
});
