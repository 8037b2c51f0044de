import assert from 'node:assert/strict';
import test from 'node:test';
import { createTokenizer } from '../../../functions/media/tokenizer.ts';
import { bertTokenizer, gpt2Tokenizer } from '../../tokenizer-files.ts';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad', '##ly', '[', ']', 'sep', '<', '>'];
const file = bertTokenizer(words);
const ids = (text: string, config: object = {}, changes: object = {}) =>
  createTokenizer({ ...file, ...changes }, config).encode([text]).rows[0]!.ids;

test('a text becomes ids between the special tokens of the template', () => {
  assert.deepEqual(ids('Good, badly'), [2, 5, 1, 6, 7, 3]);
});

test('special tokens in a text stay text', () => {
  assert.deepEqual(ids('good [SEP] bad'), [2, 5, 8, 10, 9, 6, 3]);
});

test('special tokens that a word vocabulary would know are unknown words', () => {
  const vocab = { '[PAD]': 0, '[UNK]': 1, '[SEP]': 2, good: 3 };
  const wordLevel = {
    ...file,
    added_tokens: [
      { id: 0, content: '[PAD]', special: true },
      { id: 2, content: '[SEP]', special: true },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  };
  assert.deepEqual(createTokenizer(wordLevel, {}).encode(['good [SEP] unheard [PAD]']).rows[0]!.ids, [3, 1, 1, 1]);
});

test('added tokens that are not special are found in a text', () => {
  const added = { id: 13, content: '<emoji>', special: false };
  const changes = { added_tokens: [...(file as { added_tokens: object[] }).added_tokens, added] };
  assert.deepEqual(ids('good<emoji>bad', {}, changes), [2, 5, 13, 6, 3]);
});

test('a long text is cut to model_max_length, at the side that the configuration says, between the special tokens', () => {
  assert.deepEqual(ids('good bad bad good', { model_max_length: 4 }), [2, 5, 6, 3]);
  assert.deepEqual(ids('good bad bad good', { model_max_length: 4, truncation_side: 'left' }), [2, 6, 5, 3]);
  const truncation = { max_length: 3, direction: 'Right', strategy: 'LongestFirst', stride: 0 };
  assert.deepEqual(ids('good bad', { model_max_length: 1e30 }, { truncation }), [2, 5, 3]);
});

test('texts are padded to the longest, at the side that the configuration says', () => {
  const { length, padded, rows } = createTokenizer(file, { pad_token: '[PAD]' }).encode(['good', 'good bad bad']);
  assert.deepEqual({ length, padded }, { length: 5, padded: true });
  const { ids: padIds, typeIds, mask } = rows[0]!;
  assert.deepEqual(
    { padIds, typeIds, mask },
    { padIds: [2, 5, 3, 0, 0], typeIds: [0, 0, 0, 0, 0], mask: [1, 1, 1, 0, 0] },
  );
  const left = createTokenizer(file, { pad_token: { content: '[MASK]' }, padding_side: 'left' }).encode([
    'good',
    'good bad',
  ]);
  assert.deepEqual(left.rows[0]!.ids, [4, 2, 5, 3]);
});

test('a fixed length of the graph or of tokenizer.json pads and cuts', () => {
  const tokenizer = createTokenizer(file, {});
  assert.deepEqual(tokenizer.encode(['good'], { fixedLength: 5 }).rows[0]!.ids, [2, 5, 3, 0, 0]);
  assert.deepEqual(tokenizer.encode(['good bad bad bad'], { fixedLength: 4 }).rows[0]!.ids, [2, 5, 6, 3]);
  const padding = { strategy: { Fixed: 4 }, direction: 'Right', pad_id: 1, pad_type_id: 0, pad_token: '[UNK]' };
  assert.deepEqual(ids('good', {}, { padding }), [2, 5, 3, 1]);
});

test('byte-level BPE reads its special token as text too', () => {
  const letters = [...'<|endoftx>', 'Ġ', 'en', 'end'];
  const vocab = Object.fromEntries([...letters, '<|endoftext|>'].map((token, id) => [token, id]));
  const tokenizer = createTokenizer(gpt2Tokenizer(vocab, '#version: 0.2\ne n\nen d'), {});
  const tokens = tokenizer.encode(['end<|endoftext|>']).rows[0]!.ids.map((id) => Object.keys(vocab)[id]);
  assert.deepEqual(tokens, ['end', '<', '|', 'end', 'o', 'f', 't', 'e', 'x', 't', '|', '>']);
});

test('a text of more than 100 kB is refused before it is tokenised', () => {
  assert.throws(() => ids('é'.repeat(50_001)), { code: 'payload_too_large', message: /100002 bytes/ });
});

test('files that cannot be followed are model_failed', () => {
  assert.throws(() => createTokenizer({ model: 'x' }, {}), { code: 'model_failed', message: /tokenizer\.json/ });
  assert.throws(() => createTokenizer({ ...file, normalizer: { type: 'Unheard' } }, {}), {
    code: 'model_failed',
    message: /Unknown Normalizer type: Unheard/,
  });
  assert.throws(() => createTokenizer(file, { padding_side: 'top' }), {
    code: 'model_failed',
    message: /tokenizer_config\.json.*padding_side/,
  });
});
