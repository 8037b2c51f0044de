import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classifyTensor } from '../../../functions/inference/classify-tensor.ts';
import { createTensor, decodeBytes } from '../../../functions/inference/tensor.ts';

const seed = 20_261_127;

function classify(rows: readonly (readonly number[])[], count: number, labels?: readonly string[]) {
  const shape = [rows.length, rows[0]?.length ?? 0];
  const tensor = classifyTensor(createTensor('y', 'FP64', shape, Float64Array.from(rows.flat())), count, labels);
  return { shape: tensor.shape, classes: decodeBytes(tensor.data).map((bytes) => Buffer.from(bytes).toString()) };
}

test('classes come highest first, equal ones in their order and NaN last, however many are asked for', () => {
  const order = [Number.POSITIVE_INFINITY, 2.5, 1, 0, -3, Number.NEGATIVE_INFINITY, Number.NaN];
  const rank = (number: number) => order.findIndex((other) => Object.is(number, other));
  const row = fc.array(fc.constantFrom(...order), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(row, fc.integer({ min: 1, max: 90 }), (values, count) => {
      const ranked = values.map((number, index) => ({ number, index }));
      ranked.sort((a, b) => rank(a.number) - rank(b.number) || a.index - b.index);
      const expected = ranked.slice(0, count).map(({ number, index }) => `${number}:${index}`);
      assert.deepEqual(classify([values], count), { shape: [1, expected.length], classes: expected });
    }),
    { seed },
  );
});

test('each row has its own classes, with the labels that there are', () => {
  assert.deepEqual(
    classify(
      [
        [1, 2, 3],
        [3, 1, 2],
      ],
      2,
      ['a', 'b'],
    ),
    {
      shape: [2, 2],
      classes: ['3:2', '2:1:b', '3:0:a', '2:2'],
    },
  );
  assert.deepEqual(classify([], 3), { shape: [0, 0], classes: [] });
});
