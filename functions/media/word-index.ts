import * as z from 'zod';
import { ServiceError } from '../errors.ts';

/** Keras' own default, without the apostrophe as there. */
const kerasFilters = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

const wordIndex = z.record(z.string(), z.int().min(0));

/** What `Tokenizer.to_json()` of Keras writes: its tables are JSON inside strings. */
const kerasSchema = z.looseObject({
  class_name: z.literal('Tokenizer'),
  config: z.looseObject({
    word_index: z.string(),
    filters: z.string().default(kerasFilters),
    lower: z.boolean().default(true),
    char_level: z.boolean().default(false),
    oov_token: z.string().nullish(),
    num_words: z.int().positive().nullish(),
  }),
});

/** What `preprocessing` of model.json, or tokenizer_config.json, may say of a bare table of words. */
const settingsSchema = z.looseObject({
  filters: z.string().default(kerasFilters),
  lowercase: z.boolean().default(true),
  char_level: z.boolean().default(false),
  unk_token: z.string().nullish(),
});

/**
 * tokenizer.json for the vocabulary of a recurrent network: a table `{ word: index }`, or what Keras writes. Characters of
 * `filters` are spaces; a word that is not in the table is `unk_token`, or left out where there is none. undefined: `file` is
 * neither. Throws model_failed where it cannot be followed.
 */
export function wordIndexTokenizer(file: unknown, settings: unknown): object | undefined {
  const keras = kerasSchema.safeParse(file);
  if (keras.success) {
    const { config } = keras.data;
    const known = Object.entries(parse(wordIndex, parseJson(config.word_index), 'word_index'));
    const vocab = Object.fromEntries(
      known.filter(([, index]) => index < (config.num_words ?? Number.POSITIVE_INFINITY)),
    );
    return wordLevel(vocab, { ...config, lowercase: config.lower, unk_token: config.oov_token });
  }
  const bare = wordIndex.safeParse(file);
  if (!bare.success || Object.keys(bare.data).length === 0) return undefined;
  return wordLevel(bare.data, parse(settingsSchema, settings, 'preprocessing'));
}

function wordLevel(vocab: Record<string, number>, settings: z.infer<typeof settingsSchema>): object {
  const { filters, lowercase, char_level, unk_token } = settings;
  const escaped = filters.replace(/[\\[\]^-]/g, '\\$&');
  const normalizers = [
    ...(lowercase ? [{ type: 'Lowercase' }] : []),
    ...(filters && !char_level ? [{ type: 'Replace', pattern: { Regex: `[${escaped}]` }, content: ' ' }] : []),
  ];
  return {
    added_tokens: [],
    normalizer: { type: 'Sequence', normalizers },
    pre_tokenizer: char_level
      ? { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false }
      : { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab, unk_token: unk_token ?? null },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ServiceError('model_failed', `the word_index of the tokenizer is not JSON`, { cause });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new ServiceError('model_failed', `the model's ${name} cannot be followed: ${reason}`);
}
