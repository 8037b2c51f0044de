import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBatchShape, takeBatch } from '../../../functions/host/batch.ts';
import { createTensor } from '../../../functions/inference/tensor.ts';

const waiting = (name: string, key: string | undefined, rows: number, bytes: number) => ({
  name,
  batch: key === undefined ? undefined : { key, rows },
  bytes,
});
const take = (queue: ReturnType<typeof waiting>[], rows: number, bytes: number) =>
  takeBatch(queue, { rows, bytes }).map(({ name }) => name);

test('a batch is what fits in rows and in bytes, in the order of the queue; the rest keeps its order', () => {
  const queue = [
    waiting('a', 'x', 1, 10),
    waiting('another shape', 'y', 1, 10),
    waiting('too many rows', 'x', 4, 10),
    waiting('b', 'x', 2, 10),
    waiting('too many bytes', 'x', 1, 81),
    waiting('c', 'x', 1, 10),
    waiting('no batch', undefined, 0, 10),
  ];
  assert.deepEqual(take(queue, 4, 100), ['a', 'b', 'c']);
  assert.deepEqual(
    queue.map(({ name }) => name),
    ['another shape', 'too many rows', 'too many bytes', 'no batch'],
  );
});

test('a request above the limits is taken alone, and with no batch size every one is', () => {
  assert.deepEqual(take([waiting('large', 'x', 9, 999), waiting('b', 'x', 1, 1)], 4, 100), ['large']);
  assert.deepEqual(take([waiting('a', 'x', 1, 1), waiting('b', 'x', 1, 1)], 0, 100), ['a']);
});

test('only requests whose inputs all have the same rows can share a run, whatever the order of their inputs', () => {
  const tensor = (name: string, shape: number[]) =>
    createTensor(name, 'UINT8', shape, new Uint8Array(shape.reduce((product, size) => product * size, 1)));
  const shapeOf = (...inputs: ReturnType<typeof tensor>[]) => readBatchShape({ inputs });
  const one = shapeOf(tensor('x', [2, 3]), tensor('y', [2]));
  assert.equal(one?.rows, 2);
  assert.equal(shapeOf(tensor('y', [5]), tensor('x', [5, 3]))?.key, one?.key);
  assert.notEqual(shapeOf(tensor('x', [2, 4]), tensor('y', [2]))?.key, one?.key);
  for (const inputs of [[], [tensor('x', [])], [tensor('x', [0, 3])], [tensor('x', [2]), tensor('y', [3])]]) {
    assert.equal(shapeOf(...inputs), undefined);
  }
});
