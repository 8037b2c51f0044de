import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { manifestJsonSchema, schemaFile } from '../../commands/manifest-json-schema.ts';

test('the published JSON Schema is the one that registration checks (else: npm run schema)', () => {
  assert.deepEqual(JSON.parse(readFileSync(schemaFile, 'utf8')), JSON.parse(JSON.stringify(manifestJsonSchema())));
});

test('the sample packages are valid by it, and what leaves the package is not', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
  for (const name of ['digits', 'sentiment']) {
    const manifest = JSON.parse(readFileSync(`models/${name}/model.json`, 'utf8'));
    assert.equal(validate(manifest), true, JSON.stringify(validate.errors));
    const [file] = Object.values(manifest.files);
    assert.equal(validate({ ...manifest, files: { '../model.onnx': file } }), false);
    assert.equal(validate({ ...manifest, host: 'elsewhere' }), false);
  }
});
