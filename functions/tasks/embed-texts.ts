import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { EncodedTexts, EncodeOptions } from '../media/tokenizer.ts';
import type { Model } from '../registry/model-manifest.ts';
import { failAnswer } from './numeric-output.ts';
import { pool, readPooling, toUnitLength } from './pooling.ts';
import type { Infer } from './task.ts';
import { encodeTexts } from './text-input.ts';
import { inferTexts, perToken } from './text-rows.ts';

export interface EmbedOptions {
  /** In place of what the package says. */
  readonly normalize?: boolean | undefined;
  /** False: a text that is too long for the model is refused. */
  readonly truncate?: boolean | undefined;
  readonly truncationSide?: EncodeOptions['truncationSide'];
}

/** A vector for each text; for each token of it where the package has the pooling `none`. */
export type Embedding = number[] | number[][];

const sentenceFile = z.looseObject({ max_seq_length: z.int().min(1).nullish() });

/** Texts → embeddings as sentence-transformers computes them from the package's files. */
export async function embedTexts(
  texts: readonly string[],
  model: Model,
  infer: Infer,
  options: EmbedOptions = {},
): Promise<Embedding[]> {
  return await embedRows(encodeForEmbedding(texts, model, options), model, infer, options.normalize);
}

/** A row of token ids for each text, cut to what the model reads. */
export function encodeForEmbedding(texts: readonly string[], model: Model, options: EmbedOptions = {}): EncodedTexts {
  const { max_seq_length } = sentenceFile.safeParse(model.assets['sentence_bert_config.json']).data ?? {};
  const encoded = encodeTexts(texts, model, {
    maxLength: max_seq_length ?? undefined,
    truncationSide: options.truncationSide,
    ...(options.truncate === false && { stride: 0 }),
  });
  if (encoded.rows.length > texts.length) {
    const message = `a text has more than the ${encoded.length} tokens that the model reads, and truncate is false`;
    throw new ServiceError('invalid_request', message);
  }
  return encoded;
}

/** An embedding for each row of token ids. */
export async function embedRows(
  encoded: EncodedTexts,
  model: Model,
  infer: Infer,
  asked?: boolean,
): Promise<Embedding[]> {
  const { modes, normalize: configured } = readPooling(model);
  const normalize = asked ?? configured;
  const finish = (vector: number[]) => (normalize ? toUnitLength(vector) : vector);
  const rows = await inferTexts(encoded, model, infer, [
    ['sentence_embedding', 'last_hidden_state', 'token_embeddings'],
  ]);
  return rows.map(({ row, outputs }) => {
    const output = outputs[0]!;
    if (output.shape.length === 1) return finish(Array.from(output.data));
    const tokens = perToken(output, row, model).filter((_, at) => row.mask[at] === 1);
    if (tokens.length === 0) return failAnswer(model, 'has no token');
    return modes.length === 0 ? tokens.map(finish) : finish(pool(tokens, modes));
  });
}
