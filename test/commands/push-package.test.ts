import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { pushPackage } from '../../commands/push-package.ts';
import type { Registration } from '../../functions/registry/model-manifest.ts';
import type { ArtifactFile, ModelEntry } from '../../functions/services.ts';
import { addOneModel } from '../onnx-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'push-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A registry that registers what is uploaded with `outcome` as soon as model.json is there. */
function registry() {
  const objects = new Map<string, { body: Buffer; sha256?: string }>();
  const state = { outcome: 'READY' as Registration['status'], written: [] as string[], failAt: '', attempts: 0 };
  let registration: Registration | undefined;
  const put = (key: string, body: Uint8Array, sha256?: string) => {
    objects.set(key, { body: Buffer.from(body), ...(sha256 && { sha256 }) });
    state.written.push(key.replace('models/tiny/1/', ''));
    if (!key.endsWith('model.json')) return;
    state.attempts += 1;
    const startedAt = `2020-01-01T00:00:0${state.attempts}.000Z`;
    registration = { name: 'tiny', version: '1', status: state.outcome, reason: 'why', startedAt };
  };
  const effects = {
    readRegistration: async () => registration,
    listModelEntries: async (): Promise<ModelEntry[]> => [{ name: 'tiny', aliases: {}, versions: ['1'], revision: 1 }],
    findArtifact: async (key: string) => {
      const found = objects.get(key);
      return (
        found && {
          size: found.body.length,
          uploadedAt: '2020-01-01T00:00:00Z',
          ...(found.sha256 && { sha256: found.sha256 }),
        }
      );
    },
    readArtifact: async (key: string) => objects.get(key)!.body,
    writeArtifact: async (key: string, body: Uint8Array) => {
      if (objects.has(key)) return false;
      put(key, body);
      return true;
    },
    replaceArtifact: async (key: string, body: Uint8Array) => put(key, body),
    uploadArtifact: async (key: string, file: ArtifactFile, onProgress: (bytes: number) => void) => {
      if (state.failAt !== '' && key.endsWith(state.failAt)) throw new Error('the network is gone');
      put(key, await file.read(0, file.size), file.sha256);
      onProgress(file.size);
    },
  };
  return { effects, state };
}

beforeEach(() => {
  writeFileSync(join(folder, 'model.onnx'), addOneModel());
  writeFileSync(join(folder, 'README.md'), '# Tiny');
});
const push = (effects: ReturnType<typeof registry>['effects']) => pushPackage(folder, effects, { name: 'tiny' });

test('an interrupted push is taken up where it ended, and model.json comes last', async () => {
  const { effects, state } = registry();
  state.failAt = 'model.onnx';
  await assert.rejects(push(effects), /network/);
  state.failAt = '';
  assert.equal((await push(effects)).status, 'READY');
  assert.deepEqual(state.written, ['README.md', 'model.onnx', 'model.json']);
});

test('the same content is pushed twice without harm; other content of the version is refused before anything is written', async () => {
  const { effects, state } = registry();
  await push(effects);
  await push(effects);
  writeFileSync(join(folder, 'README.md'), '# Another');
  await assert.rejects(push(effects), /tiny 1 was pushed before with other content: choose another with --version/);
  assert.deepEqual(state.written, ['README.md', 'model.onnx', 'model.json']);
});

test('a registration that ended without an outcome long ago is begun again by the next push', async () => {
  const { effects, state } = registry();
  state.outcome = 'VALIDATING';
  await effects.replaceArtifact('models/tiny/1/model.json', Buffer.from('{}'));
  state.outcome = 'READY';
  const { status, startedAt } = await push(effects);
  assert.deepEqual([status, startedAt], ['READY', '2020-01-01T00:00:02.000Z']);
});

test('a version whose upload the registry does not know of is told to it again by the next push', async () => {
  const { effects, state } = registry();
  await push(effects);
  const known = effects.readRegistration;
  const told = state.attempts;
  effects.readRegistration = async () => (state.attempts === told ? undefined : await known());
  assert.equal((await push(effects)).status, 'READY');
  assert.deepEqual(state.written, ['README.md', 'model.onnx', 'model.json', 'model.json']);
});

test('a FAILED version is pushed again when it is mended', async () => {
  const { effects, state } = registry();
  state.outcome = 'FAILED';
  assert.equal((await push(effects)).status, 'FAILED');
  state.outcome = 'READY';
  writeFileSync(join(folder, 'README.md'), '# Mended');
  assert.equal((await push(effects)).status, 'READY');
});
