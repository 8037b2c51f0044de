import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceError } from '../../../functions/errors.ts';
import { findModel } from '../../../functions/http/find-model.ts';
import type { Model } from '../../../functions/registry/model-manifest.ts';

const services = {
  readModelEntry: async (name: string) => {
    if (name !== 'digits') throw new ServiceError('model_not_found', 'none');
    return { name, aliases: { production: '1', canary: '2' }, versions: ['1', '2'], revision: 3 };
  },
  readModel: async (name: string, version: string) => ({ manifest: { name, version } }) as Model,
};

const version = async (reference: string, given?: string) =>
  (await findModel(reference, given, services)).manifest.version;

test('a version, an alias or production decides which version answers', async () => {
  assert.equal(await version('digits'), '1');
  assert.equal(await version('digits@canary'), '2');
  assert.equal(await version('digits', '7'), '7');
});

test('what names no version is refused with what there is', async () => {
  await assert.rejects(version('digits@beta'), { code: 'model_not_found', message: /beta.*production, canary/ });
  for (const alias of ['constructor', '__proto__', 'x'.repeat(5000)]) {
    await assert.rejects(version(`digits@${alias}`), {
      code: 'model_not_found',
      message: /^.{1,200}production, canary$/,
    });
  }
  await assert.rejects(version('nothing'), { code: 'model_not_found' });
  await assert.rejects(version('digits@canary@beta'), { code: 'invalid_request' });
  await assert.rejects(version('digits@canary', '1'), { code: 'invalid_request' });
});
