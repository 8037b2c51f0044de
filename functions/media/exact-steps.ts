import type { TokenizerStep } from './tokenizer-pipeline.ts';

/**
 * Steps of tokenizer.json that the library does not know, or does otherwise than Hugging Face's tokenizers, in words that it
 * knows. Source: Hugging Face's tokenizers, pre_tokenizers/*.rs and normalizers/unicode.rs.
 */

/** `char::is_ascii_punctuation` or Unicode's general category P. */
const punctuation = '\\p{P}\\u0021-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u007e';
/** `\w` of Rust's regex crate (UTS 18, annex C). */
const wordLetters = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d';

type Rewrite = (step: TokenizerStep) => object;

const preTokenizers: Readonly<Record<string, Rewrite>> = {
  Whitespace: () => split({ Regex: `[${wordLetters}]+|[^\\s${wordLetters}]+` }, 'Removed', true),
  Punctuation: ({ behavior }) => split({ Regex: `[${punctuation}]` }, behavior ?? 'Isolated'),
  Digits: ({ individual_digits }) => split({ Regex: '\\p{N}' }, individual_digits ? 'Isolated' : 'Contiguous'),
  CharDelimiterSplit: ({ delimiter }) => split({ String: delimiter }, 'Removed'),
};

const normalizers: Readonly<Record<string, Rewrite>> = {
  Nmt: () => ({
    type: 'Sequence',
    normalizers: [
      replace('[\\u0001-\\u0008\\u000b\\u000e-\\u001f\\u007f\\u008f\\u009f]', ''),
      replace('[\\t\\n\\f\\r\\u1680\\u200b-\\u200f\\u2028\\u2029\\u2581\\ufeff\\ufffd]', ' '),
    ],
  }),
};

export function rewritePreTokenizer(step: TokenizerStep): TokenizerStep {
  return rewrite(step, preTokenizers, 'pretokenizers');
}

export function rewriteNormalizer(step: TokenizerStep): TokenizerStep {
  return rewrite(step, normalizers, 'normalizers');
}

function rewrite(
  step: TokenizerStep,
  known: Readonly<Record<string, Rewrite>>,
  list: 'pretokenizers' | 'normalizers',
): TokenizerStep {
  const inner = step[list];
  if (inner) return { ...step, [list]: inner.map((one) => rewrite(one, known, list)) };
  return Object.hasOwn(known, step.type) ? (known[step.type]!(step) as TokenizerStep) : step;
}

function split(pattern: object, behavior: string, invert = false): object {
  return { type: 'Split', pattern, behavior, invert };
}

function replace(regex: string, content: string): object {
  return { type: 'Replace', pattern: { Regex: regex }, content };
}

/** What Split does with its matches; the library knows two of five behaviours. Source: tokenizer/normalizer.rs, `split`. */
export function splitText(text: string, pattern: RegExp, behavior: string, invert: boolean): string[] {
  const parts = findParts(text, pattern).map(({ part, match }) => ({ part, match: match !== invert }));
  if (behavior === 'Removed') return parts.filter(({ match }) => !match).map(({ part }) => part);
  if (behavior === 'Isolated') return parts.map(({ part }) => part);
  const backwards = behavior === 'MergedWithNext';
  const merged: string[] = [];
  let last: boolean | undefined;
  for (const { part, match } of backwards ? parts.toReversed() : parts) {
    const joins = behavior === 'Contiguous' ? match === last : match && last === false;
    if (joins) merged.push(backwards ? part + merged.pop() : merged.pop() + part);
    else merged.push(part);
    last = match;
  }
  return backwards ? merged.reverse() : merged;
}

function findParts(text: string, pattern: RegExp): { part: string; match: boolean }[] {
  const parts: { part: string; match: boolean }[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (found === '') continue;
    if (index > end) parts.push({ part: text.slice(end, index), match: false });
    parts.push({ part: found, match: true });
    end = index + found.length;
  }
  if (end < text.length) parts.push({ part: text.slice(end), match: false });
  return parts;
}
