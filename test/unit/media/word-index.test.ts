import assert from 'node:assert/strict';
import test from 'node:test';
import { createTokenizer } from '../../../functions/media/tokenizer.ts';
import { wordIndexTokenizer } from '../../../functions/media/word-index.ts';

const table = { the: 1, cat: 2, "isn't": 3, '<OOV>': 4 };
const ids = (file: unknown, settings: object, text: string) =>
  createTokenizer(wordIndexTokenizer(file, settings), settings).encode([text]).rows[0]?.ids;

test('words are lower-cased and freed of punctuation as Keras does; unknown ones are left out', () => {
  assert.deepEqual(ids(table, {}, 'The cat, isn\'t "here"!'), [1, 2, 3]);
  assert.deepEqual(ids(table, { lowercase: false }, 'The cat'), [2]);
  assert.deepEqual(ids(table, { filters: '' }, 'the cat, cat'), [1, 2]);
});

test('an unknown word is unk_token where there is one', () => {
  assert.deepEqual(ids(table, { unk_token: '<OOV>' }, 'the dog'), [1, 4]);
});

test('texts are cut and padded before them where the settings say so, as pad_sequences does', () => {
  const settings = { model_max_length: 2, truncation_side: 'left', padding_side: 'left' };
  const { rows } = createTokenizer(wordIndexTokenizer(table, settings), settings).encode(['the the cat', 'cat']);
  assert.deepEqual(
    rows.map((row) => row.ids),
    [
      [1, 2],
      [0, 2],
    ],
  );
});

test('the file that Keras writes is followed, num_words and character level too', () => {
  const keras = (config: object) => ({
    class_name: 'Tokenizer',
    config: { word_index: JSON.stringify(table), ...config },
  });
  assert.deepEqual(ids(keras({ num_words: 3, oov_token: '<OOV>' }), {}, "the isn't cat"), [1, 2]);
  const letters = { class_name: 'Tokenizer', config: { word_index: '{"a": 1, " ": 2, "b": 3}', char_level: true } };
  assert.deepEqual(ids(letters, {}, 'A b'), [1, 2, 3]);
});

test('other files are none of these', () => {
  assert.equal(wordIndexTokenizer({ model: {} }, {}), undefined);
  assert.equal(wordIndexTokenizer(undefined, {}), undefined);
  assert.throws(() => wordIndexTokenizer({ class_name: 'Tokenizer', config: { word_index: '{' } }, {}), {
    code: 'model_failed',
  });
});
