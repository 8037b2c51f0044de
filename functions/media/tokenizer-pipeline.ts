import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { createMerge } from './byte-pairs.ts';
import { rewriteNormalizer, rewritePreTokenizer, splitText } from './exact-steps.ts';
import { readCharsMap } from './precompiled-charsmap.ts';

const padding = z.object({
  strategy: z.union([z.literal('BatchLongest'), z.object({ Fixed: z.int().positive() })]),
  direction: z.enum(['Left', 'Right']).default('Right'),
  pad_to_multiple_of: z.int().positive().nullish(),
  pad_id: z.int().min(0),
  pad_type_id: z.int().min(0).default(0),
});
const truncation = z.object({ max_length: z.int().positive(), direction: z.enum(['Left', 'Right']).default('Right') });
const tokenText = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);

/** A normaliser, a pre-tokenizer or a post-processor, or a sequence of them. */
const step = z.looseObject({
  type: z.string(),
  get pretokenizers() {
    return z.array(step).optional();
  },
  get processors() {
    return z.array(step).optional();
  },
  get normalizers() {
    return z.array(step).optional();
  },
  behavior: z.string().optional(),
  invert: z.boolean().optional(),
  individual_digits: z.boolean().optional(),
  delimiter: z.string().optional(),
  add_prefix_space: z.boolean().optional(),
  replacement: z.string().optional(),
  split: z.boolean().optional(),
  trim_offsets: z.boolean().optional(),
});

/** What is read here of tokenizer.json; the rest is the library's. */
const fileSchema = z.looseObject({
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int(),
        content: z.string(),
        special: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        single_word: z.boolean().default(false),
      }),
    )
    .default([]),
  model: z.looseObject({ type: z.string().optional(), unk_token: z.string().nullish() }),
  normalizer: step.nullish(),
  pre_tokenizer: step.nullish(),
  post_processor: step.nullish(),
  padding: padding.nullish(),
  truncation: truncation.nullish(),
});
const configSchema = z.looseObject({
  model_max_length: z.number().positive().nullish(),
  truncation_side: z.enum(['left', 'right']).nullish(),
  padding_side: z.enum(['left', 'right']).nullish(),
  pad_token: tokenText.nullish(),
  unk_token: tokenText.nullish(),
  mask_token: tokenText.nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  cls_token: tokenText.nullish(),
});

export type TokenizerStep = z.infer<typeof step>;
export type TokenizerFile = z.infer<typeof fileSchema>;
export type TokenizerConfig = z.infer<typeof configSchema>;
export type SpecialToken = TokenizerFile['added_tokens'][number];

interface Step {
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface NormalizerStep extends Step {
  /** Of a sequence. */
  readonly normalizers?: readonly NormalizerStep[];
  normalize(text: string): string;
}

interface PreTokenizer extends Step {
  (text: string, options: { section_index: number }): string[];
  /** Of a sequence. */
  readonly tokenizers?: readonly PreTokenizer[];
  /** Of a split. */
  readonly pattern?: RegExp | null;
  pre_tokenize_text(text: string): string[];
}

export interface Framed<Item> {
  readonly tokens: (Item | string)[];
  readonly tokens_pair?: Item[] | null;
  readonly token_type_ids?: number[];
}

/** What is used of the library's Tokenizer, whose own types cannot be resolved by an ES module. */
export interface Pipeline {
  readonly normalizer: NormalizerStep | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly model: {
    encode(words: string[]): string[];
    readonly fuse_unk: boolean;
    readonly config: Readonly<Record<string, unknown>>;
    readonly tokens_to_ids: Map<string, number>;
    readonly vocab: string[];
    readonly unk_token_id?: number;
    readonly unk_token?: string;
    readonly end_of_word_suffix?: string | null;
    readonly merges?: readonly (readonly [string, string])[];
    bpe?(token: string): string[];
  };
  /** Concatenates lists; what is in them it does not look at. */
  readonly post_processor:
    | (<Item>(tokens: Item[], pair: Item[] | null, addSpecialTokens: boolean) => Framed<Item>)
    | null;
  readonly decoder: ((tokens: string[]) => string) | null;
  readonly splitter_unnormalized: { split(text: string): string[] };
  readonly splitter_normalized: { split(text: string): string[] };
  readonly added_tokens_map: Map<string, SpecialToken>;
  decode(ids: number[], options: object): string;
}

export interface TokenizerFiles {
  readonly file: TokenizerFile;
  readonly config: TokenizerConfig;
  readonly specials: readonly SpecialToken[];
  readonly pipeline: Pipeline;
}

/** Reads tokenizer.json and tokenizer_config.json. Throws model_failed where they cannot be followed. */
export function readTokenizerFiles(tokenizerJson: unknown, tokenizerConfig: unknown): TokenizerFiles {
  const file = parse(fileSchema, tokenizerJson, 'tokenizer.json');
  const config = parse(configSchema, tokenizerConfig ?? {}, 'tokenizer_config.json');
  const specials = file.added_tokens.filter(({ special }) => special);
  return { file, config, specials, pipeline: createPipeline(file, config, specials) };
}

/** The library splits a text at every added token; without the special ones it cannot, and they keep their ids. */
function createPipeline(file: TokenizerFile, config: TokenizerConfig, specials: readonly SpecialToken[]): Pipeline {
  try {
    const { normalizer, pre_tokenizer } = file;
    const ordinary = {
      ...file,
      normalizer: normalizer ? rewriteNormalizer(normalizer) : null,
      pre_tokenizer: pre_tokenizer ? rewritePreTokenizer(pre_tokenizer) : null,
      added_tokens: file.added_tokens.filter(({ special }) => !special),
    };
    const library: unknown = new HuggingFaceTokenizer(ordinary, {
      ...config,
      // A WordLevel model is told its unknown token by the configuration only.
      unk_token: config.unk_token ?? file.model.unk_token,
      // As transformers has it since 4.45.
      clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false,
    });
    const pipeline = library as Pipeline;
    if (pipeline.pre_tokenizer) replaceSplits(pipeline.pre_tokenizer);
    if (pipeline.normalizer) replaceCharsMaps(pipeline.normalizer);
    const { model } = pipeline;
    forgetAddedWords(model, file);
    for (const { id, content } of specials) {
      model.tokens_to_ids.set(content, id);
      model.vocab[id] = content;
    }
    if (model.merges && model.bpe) replaceMerging(model, model.merges);
    return pipeline;
  } catch (cause) {
    throw new ServiceError('model_failed', `the model's tokenizer.json cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Words are made of the vocabulary alone; the library mixes added tokens into it. */
function forgetAddedWords({ tokens_to_ids: ids }: Pipeline['model'], { added_tokens, model }: TokenizerFile): void {
  const { vocab } = model;
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) return;
  for (const { content } of added_tokens) if (!Object.hasOwn(vocab, content)) ids.delete(content);
}

/** The library has one map for all models. */
function replaceCharsMaps(step: NormalizerStep): void {
  step.normalizers?.forEach(replaceCharsMaps);
  const { type, precompiled_charsmap: map } = step.config ?? {};
  if (type === 'Precompiled' && typeof map === 'string' && map !== '') step.normalize = readCharsMap(map);
}

/** The library's own splits know two behaviours of five. */
function replaceSplits(step: PreTokenizer): void {
  step.tokenizers?.forEach(replaceSplits);
  const { config, pattern } = step;
  if (config?.type !== 'Split' || !pattern) return;
  const behavior = String(config.behavior ?? 'Isolated');
  step.pre_tokenize_text = (text) => splitText(text, pattern, behavior, config.invert === true);
}

/** The library's own takes seconds for 100 kB without a space. */
function replaceMerging(model: Pipeline['model'], merges: NonNullable<Pipeline['model']['merges']>): void {
  const merge = createMerge(merges, model.tokens_to_ids);
  model.bpe = (token) => {
    const symbols = Array.from(token);
    if (model.end_of_word_suffix && symbols.length > 0) symbols[symbols.length - 1] += model.end_of_word_suffix;
    return merge(symbols);
  };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new ServiceError('model_failed', `the model's ${name} cannot be followed: ${reason}`);
}
