import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenizer } from '../../../functions/media/tokenizer.ts';

const text = 'Ünï_1, 今天²… a--b 12½3!?';

/** What Hugging Face's tokenizers 0.23 make of the text, with `|` between the parts. */
const expected: [step: Record<string, unknown>, parts: string][] = [
  [{ type: 'Whitespace' }, 'Ünï_1|,|今天|²…|a|--|b|12|½|3|!?'],
  [{ type: 'Punctuation', behavior: 'Isolated' }, 'Ünï|_|1|,| 今天²|…| a|-|-|b 12½3|!|?'],
  [{ type: 'Punctuation', behavior: 'Removed' }, 'Ünï|1| 今天²| a|b 12½3'],
  [{ type: 'Punctuation', behavior: 'Contiguous' }, 'Ünï|_|1|,| 今天²|…| a|--|b 12½3|!?'],
  [{ type: 'Punctuation', behavior: 'MergedWithPrevious' }, 'Ünï_|1,| 今天²…| a-|-|b 12½3!|?'],
  [{ type: 'Punctuation', behavior: 'MergedWithNext' }, 'Ünï|_1|, 今天²|… a|-|-b 12½3|!|?'],
  [{ type: 'Digits', individual_digits: true }, 'Ünï_|1|, 今天|²|… a--b |1|2|½|3|!?'],
  [{ type: 'Digits', individual_digits: false }, 'Ünï_|1|, 今天|²|… a--b |12½3|!?'],
  [{ type: 'CharDelimiterSplit', delimiter: '-' }, 'Ünï_1, 今天²… a|b 12½3!?'],
  [
    { type: 'Split', pattern: { Regex: '[0-9]' }, behavior: 'MergedWithNext', invert: true },
    'Ünï_1|, 今天²… a--b 1|2|½3|!?',
  ],
];

/** A word-level tokenizer whose vocabulary is `words`. */
function wordLevel(words: readonly string[], steps: Record<string, unknown>) {
  const vocab = Object.fromEntries(['<unk>', ...words].map((word, id) => [word, id]));
  const model = { type: 'WordLevel', vocab, unk_token: '<unk>' };
  return createTokenizer(
    { added_tokens: [], normalizer: null, post_processor: null, decoder: null, ...steps, model },
    {},
  );
}

for (const [step, parts] of expected) {
  test(`${Object.values(step)
    .map((value) => JSON.stringify(value))
    .join(' ')} splits a text as Hugging Face's does`, () => {
    const words = parts.split('|');
    const tokenizer = wordLevel([...new Set(words)], { pre_tokenizer: step });
    const { tokens } = tokenizer.encode([text], { offsets: true }).rows[0]!;
    assert.deepEqual(
      tokens.map((token) => token!.text),
      words,
    );
    assert.deepEqual(
      tokens.map((token) => text.slice(token!.start, token!.end)),
      words,
    );
  });
}

test('Nmt drops what is no text and makes spaces of what looks like one', () => {
  const tokenizer = wordLevel(['ab', 'c', 'd', 'e'], {
    normalizer: { type: 'Nmt' },
    pre_tokenizer: { type: 'WhitespaceSplit' },
  });
  assert.deepEqual(tokenizer.encode(['a\u0001b\tc\u200bd\ufeffe\u007f']).rows[0]!.ids, [1, 2, 3, 4]);
});

test('an added token that is a word by itself is text within another; without a template a second text is of type 1', () => {
  const added = { id: 9, content: 'park', special: false, single_word: true, normalized: false };
  const tokenizer = wordLevel(['parking', 'lot', 'the'], {
    added_tokens: [added],
    pre_tokenizer: { type: 'Whitespace' },
  });
  const { ids, typeIds } = tokenizer.encode([['the park', 'parking lot park']]).rows[0]!;
  assert.deepEqual(ids, [3, 9, 1, 2, 9]);
  assert.deepEqual(typeIds, [0, 0, 1, 1, 1]);
});

test('windows of a text that is cut at its left begin at its end', () => {
  const tokenizer = wordLevel(['a', 'b', 'c', 'd', 'e'], { pre_tokenizer: { type: 'Whitespace' } });
  const { rows } = tokenizer.encode(['a b c d e'], { maxLength: 3, stride: 1, truncationSide: 'left' });
  assert.deepEqual(
    rows.map(({ ids }) => ids),
    [
      [3, 4, 5],
      [1, 2, 3],
    ],
  );
});
