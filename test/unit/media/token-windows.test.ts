import assert from 'node:assert/strict';
import test from 'node:test';
import { createTokenizer, type EncodeOptions, type TextOrPair } from '../../../functions/media/tokenizer.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'b', 'c', 'd', 'e', 'f', 'q'];
const bert = createTokenizer(bertTokenizer(words), {});
const rows = (text: TextOrPair, options: EncodeOptions) =>
  bert.encode([text], options).rows.map(({ ids }) => ids.map((id) => words[id] ?? '?').join(' '));

test('a pair is framed by the template, with a type for each text', () => {
  const { ids, typeIds, tokens } = bert.encode([['a b', 'c']]).rows[0]!;
  assert.deepEqual(
    ids.map((id) => words[id]),
    ['[CLS]', 'a', 'b', '[SEP]', 'c', '[SEP]'],
  );
  assert.deepEqual(typeIds, [0, 0, 0, 0, 1, 1]);
  assert.deepEqual(
    tokens.map((token) => token?.sequence),
    [undefined, 0, 0, undefined, 1, undefined],
  );
});

test('longest_first takes from the longer text, only_first and only_second from theirs', () => {
  const pair = ['a b c d', 'e f'] as const;
  assert.deepEqual(rows(pair, { maxLength: 7 }), ['[CLS] a b [SEP] e f [SEP]']);
  assert.deepEqual(rows(pair, { maxLength: 6 }), ['[CLS] a b [SEP] e [SEP]']);
  assert.deepEqual(rows(pair, { maxLength: 7, truncation: 'only_first', truncationSide: 'left' }), [
    '[CLS] c d [SEP] e f [SEP]',
  ]);
  assert.deepEqual(rows(pair, { maxLength: 8, truncation: 'only_second' }), ['[CLS] a b c d [SEP] e [SEP]']);
});

test('a long text becomes windows that share stride tokens, the last one padded', () => {
  assert.deepEqual(rows('a b c d e', { maxLength: 5, stride: 1 }), ['[CLS] a b c [SEP]', '[CLS] c d e [SEP]']);
  assert.deepEqual(rows(['q', 'a b c d'], { maxLength: 6, stride: 1, truncation: 'only_second' }), [
    '[CLS] q [SEP] a b [SEP]',
    '[CLS] q [SEP] b c [SEP]',
    '[CLS] q [SEP] c d [SEP]',
  ]);
  assert.deepEqual(rows('a b c d', { maxLength: 5, stride: 0 }).at(-1), '[CLS] d [SEP] [PAD] [PAD]');
});

test('a stride that leaves no room is refused', () => {
  assert.throws(() => rows(['a b c', 'd e f'], { maxLength: 6, stride: 1, truncation: 'only_second' }), {
    code: 'invalid_request',
    message: /cannot share 1/,
  });
});

test('rows are padded to the multiple that tokenizer.json asks for', () => {
  const padding = { strategy: 'BatchLongest', direction: 'Right', pad_to_multiple_of: 4, pad_id: 0, pad_type_id: 0 };
  const padded = createTokenizer({ ...bertTokenizer(words), padding }, {});
  assert.equal(padded.encode(['a b c']).length, 8);
});
