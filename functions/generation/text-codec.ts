import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { createVocabulary, type Vocabulary } from './constraint.ts';
import { readTokenBytes } from './token-bytes.ts';

const tokenText = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);
const fileSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().default(false) }))
    .default([]),
});
const configSchema = z.looseObject({ bos_token: tokenText.nullish(), eos_token: tokenText.nullish() });

/** What is used of the library's Tokenizer, whose own types cannot be resolved by an ES module. */
interface Pipeline {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
}

export interface TextCodec {
  /** Ids of a prompt, behind the token that the model's texts begin with. Special tokens in it stay text. */
  encodePrompt(text: string): number[];
  /** Ids of a rendered chat template, whose special tokens are special, but for those that `escape` has hidden. */
  encodeRendered(text: string): number[];
  /** `text` with its special tokens hidden from encodeRendered: what a caller says opens no turn of somebody else. */
  escape(text: string): string;
  /** The text of ids without special tokens; U+FFFD where a character is not complete. */
  decode(ids: readonly number[]): string;
  /** What a special token is written as; undefined: it is none. */
  specialText(id: number): string | undefined;
  /** The tokens that stand for text. */
  vocabulary(): Vocabulary;
  /** bos_token and eos_token, as chat templates need them. */
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly endId?: number;
}

/** A character that Unicode gives to programs for their own use; no text carries it. */
const hidden = '\u{FDD0}';

/** Both directions between text and token ids, by tokenizer.json. Throws model_failed where it cannot be followed. */
export function createTextCodec(tokenizerJson: unknown, tokenizerConfig: unknown): TextCodec {
  const file = parse(fileSchema, tokenizerJson, 'tokenizer.json');
  const config = parse(configSchema, tokenizerConfig ?? {}, 'tokenizer_config.json');
  const whole = createPipeline(file, config);
  // The library finds added tokens in every text; without the special ones it cannot.
  const ordinary = createPipeline(
    { ...file, added_tokens: file.added_tokens.filter((token) => !token.special) },
    config,
  );
  const specials = new Map(file.added_tokens.filter(({ special }) => special).map(({ id, content }) => [content, id]));
  const contents = [...specials.keys()].sort((a, b) => b.length - a.length).map(escapePattern);
  const pattern = contents.length > 0 ? new RegExp(`(${contents.join('|')})`) : undefined;
  const encodeOrdinary = (text: string) =>
    text === '' ? [] : ordinary.encode(text, { add_special_tokens: false }).ids;
  const texts = new Map([...specials].map(([content, id]) => [id, content]));
  let vocabulary: Vocabulary | undefined;
  const endId = config.eos_token ? whole.token_to_id(config.eos_token) : undefined;
  return {
    encodePrompt: (text) => [...whole.encode('', { add_special_tokens: true }).ids, ...encodeOrdinary(text)],
    encodeRendered: (text) =>
      (pattern ? text.split(pattern) : [text]).flatMap((part) => {
        const special = specials.get(part);
        return special === undefined ? encodeOrdinary(part.replaceAll(hidden, '')) : [special];
      }),
    escape: (text) => (pattern ? text.replace(new RegExp(pattern, 'g'), hide) : text),
    decode: (ids) =>
      ids.length === 0
        ? ''
        : whole.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    specialText: (id) => texts.get(id),
    vocabulary: () => {
      vocabulary ??= createVocabulary(readTokenBytes(tokenizerJson));
      return vocabulary;
    },
    specialTokens: { bos_token: config.bos_token ?? '', eos_token: config.eos_token ?? '' },
    ...(endId !== undefined && { endId }),
  };
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function hide(token: string): string {
  return [...token].join(hidden) + hidden;
}

function createPipeline(file: object, config: object): Pipeline {
  try {
    return new HuggingFaceTokenizer(file, config) as Pipeline;
  } catch (cause) {
    const message = `the model's tokenizer.json cannot be used: ${(cause as Error).message}`;
    throw new ServiceError('model_failed', message, { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new ServiceError('model_failed', `the model's ${name} cannot be followed: ${reason}`);
}
