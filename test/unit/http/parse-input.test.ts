import assert from 'node:assert/strict';
import test from 'node:test';
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
  [{ inputs: ['a', 7] }, 'inputs is a list of 2: a text or a list of 1 to 128 texts is needed'],
  [[], 'the body is a list of 0: an object with inputs, parameters is needed'],
  [null, 'the body is null: an object with inputs, parameters is needed'],
];

for (const [value, message] of refused) {
  test(`${JSON.stringify(value)} → ${message}`, () => {
    assert.throws(() => parseInput(text, value), { code: 'invalid_request', message });
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
