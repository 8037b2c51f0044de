import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { parseInput } from '../../../functions/http/parse-input.ts';
import { tasks } from '../../../functions/tasks/index.ts';

const text = tasks['text-classification'].input;

test('what fits comes back with its defaults', () => {
  assert.deepEqual(parseInput(text, { inputs: 'a' }), { inputs: 'a', parameters: { top_k: 5 } });
});

const refused: [value: unknown, message: string][] = [
  [{ inputs: 'a', input: 'b' }, "the body has the unknown field 'input'; inputs, parameters are allowed"],
  [
    { inputs: 'a', parameters: { topk: 1, k: 2 } },
    "parameters has the unknown field 'topk', 'k'; top_k, function_to_apply are allowed",
  ],
  [{ inputs: 'a', parameters: { top_k: 0 } }, 'parameters.top_k is 0: a whole number from 1 is needed'],
  [{ inputs: 'a', parameters: { top_k: '3' } }, 'parameters.top_k is "3": a whole number from 1 is needed'],
  [
    { inputs: 'a', parameters: { function_to_apply: 'tanh' } },
    "parameters.function_to_apply is \"tanh\": one of 'softmax', 'sigmoid', 'none' is needed",
  ],
  [{}, 'inputs is missing: a text or a list of 1 to 128 texts is needed'],
  [{ inputs: [] }, 'inputs is a list of 0: a text or a list of 1 to 128 texts is needed'],
  [{ inputs: ['a', 7] }, 'inputs[1] is 7: a text or a list of 1 to 128 texts is needed'],
  [[], 'the body is a list of 0: an object with inputs, parameters is needed'],
  [null, 'the body is null: an object with inputs, parameters is needed'],
];

for (const [value, message] of refused) {
  test(`${JSON.stringify(value)} → ${message}`, () => {
    assert.throws(() => parseInput(text, value), { code: 'invalid_request', message });
  });
}

const nested = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(['user', 'tool']), n: z.int().max(3) })),
});
const refusedNested: [value: unknown, message: string][] = [
  [{ messages: ['a'] }, 'messages[0] is "a": an object with role, n is needed'],
  [{ messages: [{ role: 'a', n: 1 }] }, 'messages[0].role is "a": expected one of "user"|"tool"'],
  [{ messages: [{ role: 'user', n: '1' }] }, 'messages[0].n is "1": expected number'],
  [{ messages: [{ role: 'user', n: 4 }] }, 'messages[0].n is 4: expected number to be <=3'],
  [{ messages: [{ role: 'user', n: 1, m: 1 }] }, "messages[0] has the unknown field 'm'; role, n are allowed"],
];

for (const [value, message] of refusedNested) {
  test(`${JSON.stringify(value)} → ${message}`, () => {
    assert.throws(() => parseInput(nested, value), { code: 'invalid_request', message });
  });
}

test('of many unknown fields with long names a few are told, shortened', () => {
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${index}${'x'.repeat(1000)}`, 1]));
  assert.throws(
    () => parseInput(text, { inputs: 'a', ...fields }),
    (error: Error) => error.message.length < 1000 && error.message.endsWith('; inputs, parameters are allowed'),
  );
});

const picture = tasks['image-classification'].input;
const file = 'the bytes of a picture, or these in base64 (a data: URL is fine, no other URL is fetched), are needed';
const refusedPictures: [inputs: unknown, message: string][] = [
  [
    { pixels: 'AAAA', width: 0, height: 20_000, preprocessing: 'x' },
    'inputs.width is 0: a whole number from 1 to 16384 is needed; inputs.height is 20000: a whole number from 1 to 16384 is needed',
  ],
  [{ pixels: 'AAAA', width: 1, height: 1, preprocessing: 'x', url: 'y' }, "inputs has the unknown field 'url'"],
  [
    7,
    `inputs is 7: ${file}, or an object with pixels, width, height and preprocessing, as the model publishes them, is needed`,
  ],
];

for (const [inputs, message] of refusedPictures) {
  test(`${JSON.stringify(inputs)} for a picture → ${message}`, () => {
    assert.throws(() => parseInput(picture as z.ZodType, { inputs }), { code: 'invalid_request', message });
  });
}

test('a long or secret value is described by its length, not repeated', () => {
  const inputs = { long: 'x'.repeat(10_000) };
  assert.throws(
    () => parseInput(text, { inputs, parameters: 'y'.repeat(50) }),
    (error: Error) => {
      assert.ok(
        error.message.includes('parameters is a string of 50 characters') && error.message.length < 300,
        error.message,
      );
      return true;
    },
  );
});
