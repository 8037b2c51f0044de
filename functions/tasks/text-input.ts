import { ServiceError } from '../errors.ts';
import { datatypeSizes, type InferRequest, type Tensor, type TensorMetadata } from '../inference/protocol.ts';
import { createTensor } from '../inference/tensor.ts';
import {
  createTokenizer,
  type EncodedText,
  type EncodedTexts,
  type EncodeOptions,
  type TextOrPair,
  type Tokenizer,
} from '../media/tokenizer.ts';
import { wordIndexTokenizer } from '../media/word-index.ts';
import type { Model } from '../registry/model-manifest.ts';
import { checkShape } from './model-input.ts';

/** Most rows of one run where the model sets no limit. */
const mostRows = 64;
/** Most bytes of the outputs of one run: a host's answer has to fit into Lambda's 6 MB. */
const mostOutputBytes = 4 * 2 ** 20;

const tokenizers = new WeakMap<Model, Tokenizer>();

/** Rows that share a run, with the tensors that the graph takes for them. */
export interface TextBatch {
  readonly rows: readonly EncodedText[];
  readonly request: InferRequest;
}

/**
 * Texts, or pairs of them → rows of token ids as the model's tokenizer and its graph want them.
 * Throws payload_too_large, invalid_request, and model_failed where the package is wrong.
 */
export function encodeTexts(texts: readonly TextOrPair[], model: Model, options: EncodeOptions = {}): EncodedTexts {
  const encoded = readTokenizer(model).encode(texts, { fixedLength: readFixedLength(model), ...options });
  if (encoded.length > 0) return encoded;
  throw new ServiceError(
    'invalid_request',
    'the text is empty: the tokenizer finds nothing in it that the model could read',
  );
}

/** Texts → the tensors [texts, tokens] of one run, see `encodeTexts`. */
export function preprocessTexts(texts: readonly string[], model: Model): Tensor[] {
  const encoded = encodeTexts(texts, model);
  if (encoded.padded && texts.length > 1 && !readsMask(model)) {
    throw new ServiceError(
      'invalid_request',
      `model ${model.manifest.name} has no attention_mask, so texts of different lengths cannot share a request: send one`,
    );
  }
  return toTensors(encoded.rows, model);
}

/** Rows in as few runs as the model allows; each row alone and unpadded where the graph cannot be told of padding. */
export function textBatches({ rows, length, padded }: EncodedTexts, model: Model): TextBatch[] {
  const alone = padded && readFixedLength(model) === undefined && !readsMask(model);
  const most = alone ? 1 : mostRowsOfRun(length, model);
  const batches: TextBatch[] = [];
  for (let at = 0; at < rows.length; at += most) {
    const part = rows.slice(at, at + most).map((row) => (alone ? withoutPadding(row) : row));
    batches.push({ rows: part, request: { inputs: toTensors(part, model) } });
  }
  return batches;
}

/** Most tokens of a row, by the package's files and the graph; undefined: neither says. */
export function readMaxLength(model: Model): number | undefined {
  const limits = [readTokenizer(model).maxLength, readFixedLength(model)].filter((limit) => limit !== undefined);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

/** The tokenizer of the model's package, read once. Throws model_failed. */
export function readTokenizer(model: Model): Tokenizer {
  const known = tokenizers.get(model);
  if (known) return known;
  const { assets, manifest } = model;
  const config = { ...manifest.preprocessing, ...(assets['tokenizer_config.json'] as object | undefined) };
  const file = assets['tokenizer.json'] ?? wordIndexTokenizer(assets['word_index.json'], config);
  if (file === undefined) {
    throw new ServiceError(
      'model_failed',
      `model ${manifest.name} has no tokenizer.json in its package, and no word_index.json`,
    );
  }
  const tokenizer = createTokenizer(wordIndexTokenizer(file, config) ?? file, config);
  tokenizers.set(model, tokenizer);
  return tokenizer;
}

/** The length that the graph demands; undefined: any. */
function readFixedLength(model: Model): number | undefined {
  const sequence = findIdsInput(model).shape[1] ?? -1;
  return sequence > 0 ? sequence : undefined;
}

function mostRowsOfRun(length: number, { inputs, outputs, manifest }: Model): number {
  const rows = inputs[0]?.shape[0] ?? -1;
  const bytes = outputs.reduce((sum, { datatype, shape }) => {
    return (
      sum + shape.slice(1).reduce((product, size) => product * (size < 0 ? length : size), datatypeSizes[datatype])
    );
  }, 1);
  const limit = manifest.maxBatchSize || (rows > 0 ? rows : mostRows);
  return Math.max(1, Math.min(limit, Math.floor(mostOutputBytes / bytes)));
}

function withoutPadding(row: EncodedText): EncodedText {
  const kept = <Value>(values: readonly Value[]) => values.filter((_, index) => row.mask[index] === 1);
  const { ids, typeIds, mask, tokens, text } = row;
  return { ids: kept(ids), typeIds: kept(typeIds), mask: kept(mask), tokens: kept(tokens), text };
}

function readsMask(model: Model): boolean {
  return model.inputs.some(({ name }) => name === 'attention_mask');
}

/** input_ids, and attention_mask, token_type_ids and position_ids where the graph has them, in its order. */
function toTensors(rows: readonly EncodedText[], model: Model): Tensor[] {
  const idsInput = findIdsInput(model);
  return model.inputs.map((input) => {
    const values = input === idsInput ? rows.map(({ ids }) => ids) : readValues(input, rows, model);
    return checkShape(toTensor(input, values, values[0]?.length ?? 0), input, model);
  });
}

/** `input_ids`, or the only input whatever its name. */
function findIdsInput(model: Model): TensorMetadata {
  const input = model.inputs.find(({ name }) => name === 'input_ids') ?? model.inputs[0];
  if (input && (input.name === 'input_ids' || model.inputs.length === 1)) return input;
  const names = model.inputs.map(({ name }) => name).join(', ') || 'none';
  throw new ServiceError('model_failed', `a text model needs an input input_ids; the graph has: ${names}`);
}

function readValues(input: TensorMetadata, rows: readonly EncodedText[], model: Model): (readonly number[])[] {
  switch (input.name) {
    case 'attention_mask':
      return rows.map(({ mask }) => mask);
    case 'token_type_ids':
      return rows.map(({ typeIds }) => typeIds);
    case 'position_ids':
      return rows.map(({ ids }) => ids.map((_, index) => index));
    default:
      throw new ServiceError(
        'model_failed',
        `the graph of model ${model.manifest.name} has the input ${input.name}, which a tokenizer does not make`,
      );
  }
}

function toTensor(input: TensorMetadata, rows: readonly (readonly number[])[], length: number): Tensor {
  const shape = [rows.length, length];
  const values = rows.flat();
  switch (input.datatype) {
    case 'INT64':
      return createTensor(input.name, 'INT64', shape, BigInt64Array.from(values, BigInt));
    case 'INT32':
      return createTensor(input.name, 'INT32', shape, Int32Array.from(values));
    case 'FP32':
      return createTensor(input.name, 'FP32', shape, Float32Array.from(values));
    default:
      throw new ServiceError(
        'model_failed',
        `the graph takes ${input.name} as ${input.datatype}; INT64, INT32 or FP32 is needed`,
      );
  }
}
