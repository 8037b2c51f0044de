import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleCall } from '../../commands/example-call.ts';
import { modelVersionSchema } from '../../functions/registry/model-manifest.ts';

const place = { url: 'http://h', key: 'k', folder: 'folder' };
const call = (manifest: object, shapes: number[][] = [], datatype = 'FP32') => {
  const inputs = shapes.map((shape, index) => ({ name: `x${index}`, datatype, shape }));
  const version = { manifest: { name: 'm', version: '1', files: {}, ...manifest }, inputs, outputs: [] };
  return exampleCall(modelVersionSchema.parse(version), place).replace('curl -H "x-api-key: k" http://h', 'curl');
};

test('a task is asked with its golden input, else with a file of the project or a text', () => {
  const golden = [{ input: { file: 'golden/a.png' }, output: [] }];
  assert.equal(call({ task: 'image-classification', golden }), 'curl/models/m --data-binary @folder/golden/a.png');
  assert.equal(call({ task: 'object-detection' }), 'curl/models/m --data-binary @models/digits/golden/photo-5.jpg');
  assert.equal(
    call({ task: 'text-classification', golden: [{ input: "it's", output: [] }] }),
    `curl/models/m -d '{"inputs":"it'\\''s"}'`,
  );
  assert.match(call({ task: 'question-answering' }), /^curl\/models\/m -d '\{"inputs":\{"question":/);
  assert.equal(call({ task: 'tabular-regression' }), 'curl/models/m');
});

test('tensors are zeros: in JSON, in binary where they are many, and none where their size is not known', () => {
  const inputs = [{ name: 'x0', datatype: 'FP32', shape: [1, 2], data: [0, 0] }];
  assert.equal(call({}, [[-1, 2]]), `curl/v2/models/m/infer -d '${JSON.stringify({ inputs })}'`);
  assert.equal(
    call({}, [[-1, 3, 224, 224]]),
    "head -c 602112 /dev/zero | curl/v2/models/m/infer -H 'inference-header-content-length: 0' --data-binary @-",
  );
  assert.equal(call({}, [[-1, -1]]), 'curl/v2/models/m');
  assert.equal(call({}, [[1, 9999], [1]]), 'curl/v2/models/m');
});
