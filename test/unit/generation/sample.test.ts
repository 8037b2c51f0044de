import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLogprobs, type Sampling, sampleToken } from '../../../functions/generation/sample.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';

const plain: Sampling = {
  temperature: 1,
  topP: 1,
  topK: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: {},
};
/** Probabilities 1/2, 1/4, 1/8, 1/8. */
const logits = [1 / 2, 1 / 4, 1 / 8, 1 / 8].map(Math.log);

/** How often each token is drawn, as a share. */
function draw(sampling: Partial<Sampling>, counts = new Map<number, number>(), times = 4000): number[] {
  const random = seededRandom('sample');
  const drawn = [0, 0, 0, 0];
  for (let count = 0; count < times; count++)
    drawn[sampleToken(logits, counts, { ...plain, ...sampling }, random)]! += 1;
  return drawn.map((count) => count / times);
}

function assertShares(given: number[], expected: number[]): void {
  given.forEach((share, index) => {
    assert.ok(Math.abs(share - expected[index]!) < 0.03, `${given} instead of ${expected}`);
  });
}

test('tokens are drawn with their probabilities, sharpened or flattened by the temperature', () => {
  assertShares(draw({}), [1 / 2, 1 / 4, 1 / 8, 1 / 8]);
  assertShares(draw({ temperature: 0.5 }), [16 / 22, 4 / 22, 1 / 22, 1 / 22]);
  assert.deepEqual(draw({ temperature: 0 }), [1, 0, 0, 0]);
});

test('top_k and top_p leave the likeliest tokens, at least one', () => {
  assertShares(draw({ topK: 2 }), [2 / 3, 1 / 3, 0, 0]);
  assertShares(draw({ topP: 0.7 }), [2 / 3, 1 / 3, 0, 0]);
  assertShares(draw({ topP: 0.8 }), [4 / 7, 2 / 7, 1 / 7, 0]);
  assert.deepEqual(draw({ topP: 0 }), [1, 0, 0, 0]);
  assertShares(draw({ topK: 3, topP: 0.8 }), [2 / 3, 1 / 3, 0, 0]);
});

test('penalties and biases change logits', () => {
  const counts = new Map([[0, 2]]);
  const halved = Math.LN2;
  assertShares(draw({ frequencyPenalty: halved }, counts), [1 / 5, 2 / 5, 1 / 5, 1 / 5]);
  assertShares(draw({ presencePenalty: halved }, counts), [1 / 3, 1 / 3, 1 / 6, 1 / 6]);
  assert.deepEqual(draw({ logitBias: { 3: 100, 9: 100 } }), [0, 0, 0, 1]);
});

test('log-probabilities are the model’s own', () => {
  const shifted = logits.map((logit) => logit + 1000);
  const { token, top } = readLogprobs(shifted, 2, 2);
  assert.ok(Math.abs(token.logprob - Math.log(1 / 8)) < 1e-9);
  assert.deepEqual(
    top.map(({ id }) => id),
    [0, 1],
  );
});

test('a logit that is no number is the model’s failure', () => {
  assert.throws(() => sampleToken([0, Number.NaN], new Map(), plain, () => 0), { code: 'model_failed' });
});
