import { ServiceError } from '../errors.ts';
import { createSplitter, type SplitOptions, type Token } from './split-tokens.ts';
import { cutToWindows, type Truncation } from './token-windows.ts';
import { readTokenizerFiles, type SpecialToken, type TokenizerFiles } from './tokenizer-pipeline.ts';

/** Most bytes of the texts of one request: tokenising so much takes up to 300 ms. */
const maxTextBytes = 100_000;
/** Files that know no limit say 1e30. */
const unlimited = 1e9;

/** Rows of equal length. */
export interface EncodedTexts {
  readonly length: number;
  readonly rows: readonly EncodedText[];
  /** Rows had other lengths than this before they were padded. */
  readonly padded: boolean;
}

export interface EncodedText {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
  /** 1: a token of the text; 0: padding. */
  readonly mask: readonly number[];
  /** The token of the text behind each id; undefined: a special token, or padding. */
  readonly tokens: readonly (Token | undefined)[];
  /** Which of the texts given this is a window of. */
  readonly text: number;
}

export interface EncodeOptions extends SplitOptions {
  /** The graph's own length: all rows get it. */
  readonly fixedLength?: number | undefined;
  /** Cuts to this, where it is less than the files' own limit. */
  readonly maxLength?: number | undefined;
  /** Which text of a pair gives way. */
  readonly truncation?: Truncation;
  readonly truncationSide?: 'left' | 'right' | undefined;
  /** A long text becomes several rows, which share so many tokens each. */
  readonly stride?: number | undefined;
  /** Most tokens of the first text of a pair, cut before anything else. */
  readonly maxFirst?: number | undefined;
}

/** A text, or two that the model reads together. */
export type TextOrPair = string | readonly [first: string, second: string];

export interface Tokenizer {
  /** Token ids of texts, truncated and padded to the longest. */
  encode(texts: readonly TextOrPair[], options?: EncodeOptions): EncodedTexts;
  /** The text that the ids stand for; special tokens are left out unless they are wanted. */
  decode(ids: readonly number[], options?: { specials: boolean }): string;
  /** The text of tokens as the vocabulary spells them. */
  joinTokens(tokens: readonly string[]): string;
  tokenToId(token: string): number | undefined;
  readonly maskToken: SpecialToken | undefined;
  /** The token before a text, e.g. `[CLS]`. */
  readonly clsId: number | undefined;
  readonly unknownId: number | undefined;
  /** Pieces within a word are marked, e.g. by `##`. */
  readonly marksPieces: boolean;
  readonly paddingSide: 'left' | 'right';
  /** The files' own limit of a row's length, where they have one. */
  readonly maxLength: number | undefined;
}

/**
 * A tokenizer of tokenizer.json and tokenizer_config.json: the ids that Hugging Face's `tokenizer(texts, truncation=True,
 * padding=True, split_special_tokens=True)` gives. Special tokens that a caller writes into a text stay text.
 * Throws model_failed where the files cannot be followed.
 */
export function createTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): Tokenizer {
  const files = readTokenizerFiles(tokenizerJson, tokenizerConfig);
  const { file, config, specials, pipeline } = files;
  const split = createSplitter(files);
  const special = (content: string | null | undefined) => specials.find((token) => token.content === content);
  const tokenToId = (token: string) =>
    pipeline.model.tokens_to_ids.get(token) ?? pipeline.added_tokens_map.get(token)?.id;
  const padId = file.padding?.pad_id ?? (config.pad_token ? tokenToId(config.pad_token) : undefined);
  const maxLength = Math.min(config.model_max_length ?? unlimited, file.truncation?.max_length ?? unlimited);
  const side = config.truncation_side ?? (file.truncation?.direction === 'Left' ? 'left' : 'right');
  const paddingSide = config.padding_side ?? (file.padding?.direction === 'Left' ? 'left' : 'right');
  const specialIds = new Set(specials.map(({ id }) => id));

  const encodeText = (given: TextOrPair, text: number, options: EncodeOptions, splitOnce: Split): UnpaddedText[] => {
    const [first, second] = typeof given === 'string' ? [given, undefined] : given;
    const firstTokens = splitOnce(first, 0).slice(0, options.maxFirst);
    const pair = [firstTokens, second === undefined ? undefined : splitOnce(second, 1)] as const;
    const frame = frameTokens(files, [], second === undefined ? null : []);
    const rows = cutToWindows(pair, frame.length, {
      maxLength: Math.min(maxLength, options.maxLength ?? unlimited, options.fixedLength ?? unlimited),
      truncation: options.truncation ?? 'longest_first',
      side: options.truncationSide ?? side,
      stride: options.stride,
    });
    return rows.map(([one, other]) => ({ text, framed: frameTokens(files, one, other ?? null) }));
  };

  return {
    encode(texts, options = {}) {
      checkLength(texts);
      const splitOnce = remember((text, sequence) => split(text, sequence, options));
      const rows = texts.flatMap((text, index) => encodeText(text, index, options, splitOnce));
      const longest = rows.reduce((most, { framed }) => Math.max(most, framed.length), 0);
      const multiple = file.padding?.pad_to_multiple_of ?? 1;
      const strategy = file.padding?.strategy;
      const wanted = Math.max(typeof strategy === 'object' ? strategy.Fixed : 0, longest);
      const length = options.fixedLength ?? Math.ceil(wanted / multiple) * multiple;
      const padded = rows.some(({ framed }) => framed.length < length);
      const pad = { id: padId ?? 0, typeId: file.padding?.pad_type_id ?? 0, left: paddingSide === 'left' };
      return { length, padded, rows: rows.map((row) => padRow(row, length, pad)) };
    },
    decode(ids, options) {
      const kept = options?.specials ? ids : ids.filter((id) => !specialIds.has(id));
      return kept.length === 0 ? '' : pipeline.decode([...kept], {});
    },
    joinTokens: (tokens) => (pipeline.decoder ? pipeline.decoder([...tokens]) : tokens.join(' ')),
    tokenToId,
    maskToken: special(config.mask_token) ?? special('[MASK]') ?? special('<mask>'),
    clsId: (special(config.cls_token) ?? special('[CLS]') ?? special('<s>'))?.id,
    unknownId: pipeline.model.unk_token_id,
    marksPieces: Boolean(pipeline.model.config.continuing_subword_prefix),
    paddingSide,
    maxLength: maxLength < unlimited ? maxLength : undefined,
  };
}

interface FramedToken {
  readonly id: number;
  readonly typeId: number;
  readonly token: Token | undefined;
}

interface UnpaddedText {
  readonly text: number;
  readonly framed: readonly FramedToken[];
}

/** The tokens between those that the model's template adds, e.g. [CLS] … [SEP] … [SEP]. */
function frameTokens(
  { file, pipeline }: TokenizerFiles,
  first: readonly Token[],
  second: readonly Token[] | null,
): FramedToken[] {
  const framed = pipeline.post_processor?.([...first], second && [...second], true);
  // Processors that add nothing leave the pair in two lists.
  const items = framed ? [...framed.tokens, ...(framed.tokens_pair ?? [])] : [...first, ...(second ?? [])];
  // RoBERTa's segments are all 0, which the library does not know.
  const typeIds = file.post_processor?.type === 'RobertaProcessing' ? undefined : framed?.token_type_ids;
  return items.flatMap((item, index): FramedToken[] => {
    const token = typeof item === 'string' ? undefined : item;
    const id = token?.id ?? pipeline.model.tokens_to_ids.get(item as string) ?? pipeline.model.unk_token_id;
    // Without a template the second text's tokens are of type 1.
    const typeId = file.post_processor ? (typeIds?.[index] ?? 0) : (token?.sequence ?? 0);
    return id === undefined ? [] : [{ id, typeId, token }];
  });
}

type Split = (text: string, sequence: 0 | 1) => readonly Token[];

/** One text may be the first of many pairs. */
function remember(split: Split): Split {
  const known = new Map<string, readonly Token[]>();
  return (text, sequence) => {
    const key = sequence + text;
    const tokens = known.get(key) ?? split(text, sequence);
    known.set(key, tokens);
    return tokens;
  };
}

function checkLength(texts: readonly TextOrPair[]): void {
  const encoder = new TextEncoder();
  // A text that is given once may be part of many pairs.
  const distinct = new Set(texts.flat());
  const bytes = [...distinct].reduce((sum, text) => sum + encoder.encode(text).length, 0);
  if (bytes <= maxTextBytes) return;
  throw new ServiceError(
    'payload_too_large',
    `the text has ${bytes} bytes in UTF-8; at most ${maxTextBytes} are allowed`,
  );
}

function padRow(
  { framed, text }: UnpaddedText,
  length: number,
  pad: { id: number; typeId: number; left: boolean },
): EncodedText {
  const missing = Math.max(0, length - framed.length);
  const join = <Value>(read: (token: FramedToken) => Value, value: Value): Value[] => {
    const filler = new Array<Value>(missing).fill(value);
    const values = framed.map(read);
    return pad.left ? [...filler, ...values] : [...values, ...filler];
  };
  return {
    ids: join(({ id }) => id, pad.id),
    typeIds: join(({ typeId }) => typeId, pad.typeId),
    mask: join(() => 1, 0),
    tokens: join(({ token }) => token, undefined),
    text,
  };
}
