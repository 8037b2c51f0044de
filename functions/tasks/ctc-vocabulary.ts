import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { CtcToken } from './ctc.ts';

const tokenSchema = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const vocabularySchema = z.record(z.string(), z.int().min(0));
const tokenizerSchema = z.looseObject({
  pad_token: tokenSchema.nullish(),
  word_delimiter_token: tokenSchema.nullish(),
  replace_word_delimiter_char: z.string().default(' '),
  do_lower_case: z.boolean().default(false),
});
const specialTokensSchema = z.looseObject({ pad_token: tokenSchema.nullish() });

/** The tokens of a CTC recogniser. */
export interface CtcVocabulary {
  /** Tokens by id. */
  readonly tokens: readonly (string | undefined)[];
  /** The id of the blank, which CTC puts between tokens. */
  readonly blank: number;
  readonly delimiter: string;
  readonly space: string;
  readonly lowerCase: boolean;
}

/** A piece of the text and the frames of the model's output over which it was heard. */
export interface HeardText {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly tokens: readonly CtcToken[];
}

/**
 * vocab.json with tokenizer_config.json and special_tokens_map.json as Wav2Vec2CTCTokenizer reads them; without
 * vocab.json, `labels` of model.json are the tokens. Throws model_failed where the blank is in neither.
 */
export function readCtcVocabulary(model: Model): CtcVocabulary {
  const { assets, manifest } = model;
  const ids = read(vocabularySchema.optional(), assets['vocab.json'], 'vocab.json', model);
  const config = read(tokenizerSchema, assets['tokenizer_config.json'] ?? {}, 'tokenizer_config.json', model);
  const special = read(specialTokensSchema, assets['special_tokens_map.json'] ?? {}, 'special_tokens_map.json', model);
  const entries = ids ? Object.entries(ids) : (manifest.labels ?? []).map((label, id) => [label, id] as const);
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of entries) if (id < 1e6) tokens[id] = token;
  const named = config.pad_token ?? special.pad_token;
  const blank = tokens.findIndex((token) => (named ? token === named : token === '<pad>' || token === '[PAD]'));
  if (blank < 0) return fail(model, `has no blank: ${named ?? '<pad> or [PAD]'} is in neither vocab.json nor labels`);
  return {
    tokens,
    blank,
    delimiter: config.word_delimiter_token ?? '|',
    space: config.replace_word_delimiter_char,
    lowerCase: config.do_lower_case,
  };
}

/** The text of tokens, the words' delimiter as a space; ids that the vocabulary lacks are left out. */
export function toText(ids: readonly number[], vocabulary: CtcVocabulary): string {
  const text = ids
    .map((id) => toCharacter(id, vocabulary))
    .join('')
    .trim();
  return vocabulary.lowerCase ? text.toLowerCase() : text;
}

/** Each token by itself. */
export function toCharacters(tokens: readonly CtcToken[], vocabulary: CtcVocabulary): HeardText[] {
  return tokens.map((token) => {
    return { text: toCharacter(token.id, vocabulary), start: token.start, end: token.end, tokens: [token] };
  });
}

/** Words: what lies between delimiters. */
export function toWords(tokens: readonly CtcToken[], vocabulary: CtcVocabulary): HeardText[] {
  const words: HeardText[] = [];
  let open = false;
  for (const heard of toCharacters(tokens, vocabulary)) {
    const space = heard.text === vocabulary.space;
    const last = words.at(-1);
    if (!space && open && last) {
      const tokens = [...last.tokens, ...heard.tokens];
      words[words.length - 1] = { text: last.text + heard.text, start: last.start, end: heard.end, tokens };
    } else if (!space) words.push(heard);
    open = !space;
  }
  return words;
}

function toCharacter(id: number, { tokens, delimiter, space }: CtcVocabulary): string {
  const token = tokens[id] ?? '';
  return token === delimiter ? space : token;
}

function read<T>(schema: z.ZodType<T>, value: unknown, file: string, model: Model): T {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? parsed.data
    : fail(model, `has a ${file} that cannot be read: ${z.prettifyError(parsed.error)}`);
}

function fail(model: Model, reason: string): never {
  throw new ServiceError('model_failed', `model ${model.manifest.name} ${reason}`);
}
