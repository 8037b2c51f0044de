import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonSchemas } from '../../commands/json-schemas.ts';
import { parseDefinition } from '../../functions/datasets/dataset-definition.ts';

test('the published JSON Schemas are those that uploads are checked by (else: npm run schema)', () => {
  for (const { file, schema } of Object.values(jsonSchemas)) {
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(schema)));
  }
});

test('the sample packages are valid by it, and what leaves the package is not', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(jsonSchemas.model.file, 'utf8')));
  for (const name of ['digits', 'sentiment']) {
    const manifest = JSON.parse(readFileSync(`models/${name}/model.json`, 'utf8'));
    assert.equal(validate(manifest), true, JSON.stringify(validate.errors));
    const [file] = Object.values(manifest.files);
    assert.equal(validate({ ...manifest, files: { '../model.onnx': file } }), false);
    assert.equal(validate({ ...manifest, host: 'elsewhere' }), false);
  }
});

test('the data sets of docs/datasets.md are valid by the published schema and by the one that checks uploads', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(jsonSchemas.dataset.file, 'utf8')));
  const examples = [...readFileSync('docs/datasets.md', 'utf8').matchAll(/```json\n(.*?)```/gs)].map(
    ([, text]) => text!,
  );
  assert.ok(examples.length >= 5);
  for (const example of examples) {
    assert.equal(validate(JSON.parse(example)), true, JSON.stringify(validate.errors));
    assert.ok(parseDefinition(Buffer.from(example)).task);
  }
  assert.equal(validate({ task: 'text-classification', clear: {} }), false);
});
