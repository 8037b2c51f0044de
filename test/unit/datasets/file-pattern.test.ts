import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilePattern } from '../../../functions/datasets/file-pattern.ts';

test('patterns match paths and keep what they name', () => {
  const cases: [string, string, Record<string, string> | undefined][] = [
    ['a/{label}/*.png', 'a/cat/1.png', { label: 'cat' }],
    ['a/{label}/*.png', 'a/cat/x/1.png', undefined],
    ['**/{label}/*.png', 'cat/1.png', { label: 'cat' }],
    ['**/{label}/*.png', 'x/y/cat/1.png', { label: 'cat' }],
    ['**', 'x/y', {}],
    ['r/{label}_{group}_*.wav', 'r/7_jackson_0.wav', { label: '7', group: 'jackson' }],
    ['r/{label}_{group}_*.wav', 'r/7_j_b_0.wav', { label: '7', group: 'j' }],
    ['r/{label}_{group}.wav', 'r/7_a_b.wav', { label: '7', group: 'a_b' }],
    ['*.png', '.png', undefined],
    ['*.png', 'a.png.png', {}],
    ['{split}/**/x', 'train/x', { split: 'train' }],
    ['a/**/b/**/c', 'a/b/b/c', {}],
    ['a.png', 'A.png', undefined],
  ];
  for (const [pattern, path, expected] of cases) {
    assert.deepEqual(parseFilePattern(pattern)?.(path), expected, `${pattern} ${path}`);
  }
});

test('what is no pattern is told, and a long path takes no long time', () => {
  for (const pattern of ['', '/a', 'a//b', 'a/**b', '{label}{group}', '{Label}', '**a', '{', '*{label}']) {
    assert.equal(parseFilePattern(pattern), undefined, pattern);
  }
  const path = `${'a/'.repeat(500)}${'a'.repeat(500)}`;
  const match = parseFilePattern(`${'**/a*a/'.repeat(30)}*b`)!;
  assert.equal(match(path), undefined);
});
