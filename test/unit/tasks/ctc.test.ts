import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBeam, decodeGreedy, type Logits } from '../../../functions/tasks/ctc.ts';

const logits = (rows: number[][]): Logits => ({ frames: rows.length, vocabulary: rows[0]!.length, data: rows.flat() });
const logOf = (rows: number[][]) => logits(rows.map((row) => row.map(Math.log)));

/** The probability of every text, by adding up all alignments. */
function allTexts(rows: number[][], blank: number): Map<string, number> {
  const texts = new Map<string, number>();
  const visit = (frame: number, path: number[], probability: number): void => {
    if (frame < rows.length) {
      for (const [id, share] of rows[frame]!.entries()) visit(frame + 1, [...path, id], probability * share);
      return;
    }
    const text = path.filter((id, i) => id !== blank && id !== path[i - 1]).join(' ');
    texts.set(text, (texts.get(text) ?? 0) + probability);
  };
  visit(0, [], 1);
  return texts;
}

test('repetitions are one token, blanks separate equal ones, frames are kept', () => {
  const best = (id: number) => [0, 1, 2].map((other) => (other === id ? 1 : 0));
  assert.deepEqual(decodeGreedy(logits([0, 1, 1, 0, 1, 2, 2, 2, 0].map(best)), 0), [
    { id: 1, start: 1, end: 3 },
    { id: 1, start: 4, end: 5 },
    { id: 2, start: 5, end: 8 },
  ]);
  assert.deepEqual(decodeGreedy({ frames: 0, vocabulary: 3, data: [] }, 0), []);
});

test('the beam finds the text whose alignments are most probable together, where the best alignment is another', () => {
  const rows = [
    [0.4, 0.3, 0.3],
    [0.4, 0.35, 0.25],
  ];
  assert.deepEqual(decodeGreedy(logOf(rows), 0), []);
  assert.deepEqual(decodeBeam(logOf(rows), 0, 10), [1]);
});

test('a wide beam is exact over all texts of random outputs', () => {
  let seed = 3;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let round = 0; round < 20; round++) {
    const rows = Array.from({ length: 5 }, () => {
      const row = Array.from({ length: 3 }, () => 0.05 + random());
      const sum = row.reduce((a, b) => a + b);
      return row.map((value) => value / sum);
    });
    const blank = round % 3;
    const [best] = [...allTexts(rows, blank)].sort((a, b) => b[1] - a[1])[0]!;
    assert.equal(decodeBeam(logOf(rows), blank, 1000).join(' '), best, `round ${round}`);
  }
});
