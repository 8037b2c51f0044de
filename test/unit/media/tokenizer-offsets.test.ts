import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { createTokenizer, type Tokenizer } from '../../../functions/media/tokenizer.ts';
import { bertTokenizer, gpt2Tokenizer, unigramTokenizer } from '../../tokenizer-files.ts';

const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...letters, ...letters.map((one) => `##${one}`)];
const bert = createTokenizer(bertTokenizer([...words, 'cafe', 'σας', 'σ', '中', ',', '.', '!']), {});

/** GPT-2's letters of the 256 bytes, and a few merges. */
const byteLevel = (() => {
  const merges = ['h e', 'l l', 'he ll', 'hell o', 'Ġ w', 'Ġw o'];
  const bytes = createTokenizer(gpt2Tokenizer({ '<|endoftext|>': 0 }, ''), {});
  assert.equal(bytes.encode(['a']).length, 0);
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let others = 0;
  const alphabet = Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : 256 + others++),
  );
  const tokens = [...alphabet, ...merges.map((pair) => pair.replace(' ', '')), '<|endoftext|>'];
  const file = gpt2Tokenizer(vocabulary(tokens), merges.join('\n'));
  const trimming = { ...file, post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true } };
  return { whole: createTokenizer(file, {}), trimmed: createTokenizer(trimming, {}) };
})();
const gpt2 = byteLevel.whole;
const unigram = createTokenizer(unigramTokenizer(['▁hello', '▁wor', 'ld', '▁', 'h', 'e', 'l', 'o']), {});

function vocabulary(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** `[token, the part of the text that it stands for]`. */
function parts(tokenizer: Tokenizer, text: string): [string, string][] {
  return tokensOf(tokenizer, text).map((token) => [token.text, text.slice(token.start, token.end)]);
}

function tokensOf(tokenizer: Tokenizer, text: string) {
  return tokenizer.encode([text], { offsets: true }).rows[0]!.tokens.filter((token) => token !== undefined);
}

suite('offsets', () => {
  test('a token of a normalised text stands where its letters stood', () => {
    assert.deepEqual(parts(bert, '  Café, ab 中e\u0301!'), [
      ['cafe', 'Café'],
      [',', ','],
      ['a', 'a'],
      ['##b', 'b'],
      ['中', '中'],
      ['e', 'e'],
      ['!', '!'],
    ]);
  });

  test('a word that the vocabulary does not know stands as a whole', () => {
    assert.deepEqual(parts(bert, 'a Ж7 b'), [
      ['a', 'a'],
      ['[UNK]', 'Ж7'],
      ['b', 'b'],
    ]);
  });

  test('a final sigma is lowered as any other, as Hugging Face does', () => {
    assert.deepEqual(parts(bert, 'Σ ΑΣ').at(0), ['σ', 'Σ']);
  });

  test('byte-level tokens leave spaces out where the post-processor trims; bytes of one character share its place', () => {
    const rest = [
      ['r', 'r'],
      ['l', 'l'],
      ['d', 'd'],
    ];
    assert.deepEqual(parts(gpt2, 'hello world'), [['hello', 'hello'], ['Ġwo', ' wo'], ...rest]);
    assert.deepEqual(parts(byteLevel.trimmed, 'hello world'), [['hello', 'hello'], ['Ġwo', 'wo'], ...rest]);
    assert.deepEqual(
      tokensOf(gpt2, 'a😀b').map(({ start, end }) => [start, end]),
      [
        [0, 1],
        [1, 3],
        [1, 3],
        [1, 3],
        [1, 3],
        [3, 4],
      ],
    );
  });

  test('a Unigram word begins at its space, and unknown letters are one token', () => {
    assert.deepEqual(parts(unigram, 'hello world'), [
      ['▁hello', 'hello'],
      ['▁wor', ' wor'],
      ['ld', 'ld'],
    ]);
    assert.deepEqual(
      parts(unigram, 'ЖЖ ld').map(([, part]) => part),
      ['Ж', 'ЖЖ', ' ', 'ld'],
    );
  });

  test('bytes that stand for an unknown character share its place, a prefix of the normaliser has none', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    const tokens = ['<unk>', '▁', 'a', 'b', '▁a', '▁ab', ...bytes];
    const normalizers = [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ];
    const merges = ['▁ a', '▁a b'];
    const tokenizer = createTokenizer(
      {
        ...gpt2Tokenizer({}, ''),
        added_tokens: [],
        normalizer: { type: 'Sequence', normalizers },
        pre_tokenizer: null,
        post_processor: null,
        model: { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab: vocabulary(tokens), merges },
      },
      {},
    );
    assert.deepEqual(parts(tokenizer, 'ab é a'), [
      ['▁ab', 'ab'],
      ['▁', ' '],
      ['<0xC3>', 'é'],
      ['<0xA9>', 'é'],
      ['▁a', ' a'],
    ]);
  });

  test('tokens that end a word, added tokens with the spaces beside them, and dropped spaces are followed', () => {
    const tokens = ['<unk>', 'a', 'b', 'a</w>', 'b</w>', 'ab', 'ab</w>', '.</w>', '<x>'];
    const pretokenizers = [
      { type: 'Split', pattern: { Regex: '[\\p{L}]+|[^\\s\\p{L}]+' }, behavior: 'Removed', invert: true },
      { type: 'ByteLevel', add_prefix_space: false },
    ];
    const replace = { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' };
    const tokenizer = createTokenizer(
      {
        ...gpt2Tokenizer({}, ''),
        added_tokens: [{ id: 8, content: '<x>', special: false, normalized: false, lstrip: true, rstrip: true }],
        normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, replace, { type: 'Lowercase' }] },
        pre_tokenizer: { type: 'Sequence', pretokenizers },
        post_processor: null,
        model: {
          type: 'BPE',
          unk_token: '<unk>',
          end_of_word_suffix: '</w>',
          vocab: vocabulary(tokens),
          merges: ['a b</w>', 'a b'],
        },
      },
      {},
    );
    assert.deepEqual(parts(tokenizer, 'AB \n a <x> b.'), [
      ['ab</w>', 'AB'],
      ['a</w>', 'a'],
      ['<x>', ' <x> '],
      ['b</w>', 'b'],
      ['.</w>', '.'],
    ]);
  });

  test('a mask token is read where it is asked for, and takes the space before it where its file says so', () => {
    const mask = { id: 4, content: '[MASK]', special: true, lstrip: true, rstrip: false, single_word: false };
    const { tokens } = bert.encode(['a [MASK] b'], { mask, offsets: true }).rows[0]!;
    assert.deepEqual(
      tokens.map((token) => token && [token.id, token.start, token.end]),
      [undefined, [5, 0, 1], [4, 1, 8], [6, 9, 10], undefined],
    );
  });

  test('what the offsets of BERT cut out is what the tokens say, whatever the text', () => {
    const character = fc.constantFrom(...'aZé ,.中Σİ\u0301ß\t😀１', '  ', 'ﬁ');
    fc.assert(
      fc.property(fc.array(character, { maxLength: 30 }), (characters) => {
        const text = characters.join('');
        let last = 0;
        for (const token of tokensOf(bert, text)) {
          assert.ok(token.start >= last && token.end >= token.start && token.end <= text.length, JSON.stringify(token));
          last = token.start;
          const part = text
            .slice(token.start, token.end)
            .normalize('NFD')
            .replace(/\p{Mn}/gu, '')
            .toLowerCase();
          if (token.id !== bert.unknownId) assert.equal(part.replace('ς', 'σ').trim(), token.text.replace('##', ''));
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('with offsets a text has the same ids as without', () => {
    for (const tokenizer of [bert, gpt2, unigram]) {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
          const ids = (offsets: boolean) => tokenizer.encode([text], { offsets }).rows[0]!.ids;
          assert.deepEqual(ids(true), ids(false));
        }),
        { seed: 8, numRuns: 100 },
      );
    }
  });
});

test('100 kB without a space become tokens without a pause', () => {
  assert.equal(gpt2.encode(['hello'.repeat(20_000)]).length, 20_000);
});
