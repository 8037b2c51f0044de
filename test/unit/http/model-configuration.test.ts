import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfigurationOverride, renderModelConfiguration } from '../../../functions/http/model-configuration.ts';
import { type Model, modelVersionSchema } from '../../../functions/registry/model-manifest.ts';

function model(task: string | undefined, shape: number[], name = 'pixel_values'): Model {
  const version = modelVersionSchema.parse({
    manifest: { name: 'm', version: '1', task, maxBatchSize: 8, preprocessing: { size: 28 }, files: {} },
    inputs: [{ name, datatype: 'FP32', shape }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 10] }],
  });
  return { ...version, assets: {} };
}

test('the format of an input says where the channels of pictures are, and NONE of all else', () => {
  const format = (...given: Parameters<typeof model>) =>
    (renderModelConfiguration(model(...given)).input as { format: string }[])[0]?.format;
  assert.equal(format('image-classification', [-1, 3, 28, 28]), 'FORMAT_NCHW');
  assert.equal(format('image-classification', [-1, 28, 28, 3]), 'FORMAT_NHWC');
  assert.equal(format('text-classification', [-1, -1], 'input_ids'), 'FORMAT_NONE');
  assert.equal(format(undefined, [-1, 3, 28, 28]), 'FORMAT_NONE');
});

test('a model is loaded with a configuration that it has, and with no other', () => {
  const check = (config: unknown) => checkConfigurationOverride(config, model(undefined, [-1, 4], 'x'));
  check('{}');
  check('{"max_batch_size": 8}');
  check('{"max_batch_size": "8", "backend": "onnxruntime", "dynamic_batching": {}}');
  const refused: [unknown, RegExp][] = [
    ['{"max_batch_size": 16}', /^config\.max_batch_size is 16, and 8 in version 1, which never changes; push another/],
    ['{"instance_group": []}', /^config\.instance_group is \[\], and missing in version 1/],
    ['{"backend": "8", "platform": 8}', /^config\.backend is "8", and "onnxruntime" in version 1/],
    ['"parameters": {}}', /^config is ".*"; a configuration in JSON is allowed/],
    ['[1]', /^config is "\[1\]"; a configuration in JSON is allowed/],
    ['{"toString": 8}', /^config\.toString is 8, and missing in version 1/],
    [`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, /^config is ".*…; a configuration in JSON is allowed/],
    [7, /^config is 7; a configuration in JSON is allowed/],
  ];
  for (const [config, message] of refused) {
    assert.throws(() => check(config), { code: 'invalid_request', message });
  }
});
