import { createHash } from 'node:crypto';
import type { ModelManifest } from '../functions/registry/model-manifest.ts';
import { modelManifestSchema } from '../functions/registry/model-manifest.ts';
import { type OnnxInitializer, type OnnxNode, type OnnxValue, onnxModel } from './onnx-model.ts';

/**
 * Decoders of eight tokens that all predict the same: with n tokens so far, whose ids have the sum s, the next one is
 * number (s + 2n - 1) mod 8 of `order`. A wrong cache, mask or position gives another text.
 */
const tokens = ['a', 'b', 'c', 'd', 'Ã', '©', '<|turn|>', '<|end|>'] as const;
const order = [0, 0, 2, 2, 3, 5, 1, 4];
const endId = 7;

/** What a decoder answers greedily behind `ids`. */
export function continuation(ids: readonly number[], length: number): number[] {
  const all = [...ids];
  while (all.length < ids.length + length) {
    const sum = all.reduce((total, id) => total + id, 0);
    all.push(order[(sum + 2 * all.length - 1) % 8]!);
  }
  return all.slice(ids.length);
}

const table = Float32Array.from({ length: 64 }, (_, index) => {
  const distance = Math.abs((index % 8) - order[Math.floor(index / 8)]!);
  return 4 - distance;
});
const constant = (name: string, shape: number[], values: number[]): OnnxInitializer => ({
  name,
  datatype: 'INT64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const initializers: OnnxInitializer[] = [
  { name: 'table', datatype: 'FP32', shape: [8, 8], data: table },
  { name: 'one', datatype: 'FP32', shape: [], data: Float32Array.of(1) },
  { name: 'two', datatype: 'FP32', shape: [], data: Float32Array.of(2) },
  constant('eight', [], [8]),
  constant('width', [1], [8]),
  constant('rows', [3], [1, -1, 1]),
  constant('cache_shape', [4], [1, 1, -1, 1]),
];
const node = (op: string, inputs: string, outputs: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({
  op,
  inputs: inputs.split(' '),
  outputs: outputs.split(' '),
  attributes,
});
const float = { to: 1 };
const whole = { keepdims: 0 };
/** `number`, a float → logits of every position of input_ids; those before the last are wrong. */
const predict: OnnxNode[] = [
  node('Cast', 'number', 'integer', { to: 7 }),
  node('Mod', 'integer eight', 'index'),
  node('Gather', 'table index', 'row'),
  node('Shape', 'input_ids', 'shape'),
  node('Concat', 'shape width', 'logits_shape', { axis: 0 }),
  node('Expand', 'row logits_shape', 'all_rows'),
  node('CumSum', 'ones zero_axis', 'place'),
  node('ReduceMax', 'place', 'last', whole),
  node('Sub', 'last place', 'before'),
  node('Mul', 'before two', 'twice'),
  node('Sub', 'one twice', 'factor'),
  node('Reshape', 'factor rows', 'factors'),
  node('Mul', 'all_rows factors', 'logits'),
];
const read: OnnxNode[] = [
  node('Cast', 'input_ids', 'ids', float),
  node('Sub', 'ids ids', 'zeros'),
  node('Add', 'zeros one', 'ones'),
];
const logits: OnnxValue = { name: 'logits', datatype: 'FP32', shape: [1, -1, 8] };
const integers = (name: string, length = -1): OnnxValue => ({ name, datatype: 'INT64', shape: [1, length] });
const cache = (name: string): OnnxValue => ({ name, datatype: 'FP32', shape: [-1, 1, -1, 1] });

function build(nodes: OnnxNode[], inputs: OnnxValue[], outputs: OnnxValue[]): Uint8Array {
  const all = [...initializers, constant('zero_axis', [], [1])];
  return onnxModel({
    nodes: [...read, ...nodes, ...predict],
    inputs,
    outputs: [logits, ...outputs],
    initializers: all,
  });
}

/** As optimum exports a decoder with its cache. */
export function cachedDecoder(): Uint8Array {
  return build(
    [
      node('Reshape', 'ids cache_shape', 'entries'),
      node('Concat', 'past_key_values.0.key entries', 'present.0.key', { axis: 2 }),
      node('Concat', 'past_key_values.0.value entries', 'present.0.value', { axis: 2 }),
      node('ReduceSum', 'present.0.key', 'sum', whole),
      node('Cast', 'attention_mask', 'mask', float),
      node('ReduceSum', 'mask', 'length', whole),
      node('Cast', 'position_ids', 'positions', float),
      node('ReduceMax', 'positions', 'position', whole),
      node('Add', 'sum length', 'partial'),
      node('Add', 'partial position', 'number'),
    ],
    [
      integers('input_ids'),
      integers('attention_mask'),
      integers('position_ids'),
      cache('past_key_values.0.key'),
      cache('past_key_values.0.value'),
    ],
    [cache('present.0.key'), cache('present.0.value')],
  );
}

/** One that reads the whole text at every step. */
export function statelessDecoder(): Uint8Array {
  return build(
    [
      node('ReduceSum', 'ids', 'sum', whole),
      node('ReduceSum', 'ones', 'length', whole),
      node('Mul', 'length two', 'twice_length'),
      node('Add', 'sum twice_length', 'partial'),
      node('Sub', 'partial one', 'number'),
    ],
    [integers('input_ids')],
    [],
  );
}

/** A recurrent one, which takes one token at a time. */
export function recurrentDecoder(): Uint8Array {
  const state = (name: string): OnnxValue => ({ name, datatype: 'FP32', shape: [1, -1, 1] });
  return build(
    [
      node('Reshape', 'ids rows', 'entry'),
      node('Add', 'past_state entry', 'with_id'),
      node('Add', 'with_id two', 'present_state'),
      node('ReduceSum', 'present_state', 'sum', whole),
      node('Sub', 'sum one', 'number'),
    ],
    [integers('input_ids', 1), state('past_state')],
    [state('present_state')],
  );
}

const special = (content: string, id: number) => ({ id, content, special: true });
const template =
  "{% for message in messages %}<|turn|>{{ message['content'] }}{% endfor %}{% if add_generation_prompt %}<|turn|>{% endif %}";

/** The files of a package beside the graph. Every byte is a token; `é` is two. */
const decoderFiles: Readonly<Record<string, string>> = {
  'tokenizer.json': JSON.stringify({
    added_tokens: [special('<|turn|>', 6), special('<|end|>', 7)],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: [] },
  }),
  'tokenizer_config.json': JSON.stringify({ eos_token: '<|end|>', chat_template: template }),
  'config.json': JSON.stringify({ max_position_embeddings: 64, eos_token_id: endId }),
};

/** A package in memory: its manifest, and its files by their path. */
export function decoderPackage(
  graph: Uint8Array,
  name = 'decoder',
): { manifest: ModelManifest; files: Record<string, Buffer> } {
  const texts = Object.entries(decoderFiles).map(([path, text]) => [path, Buffer.from(text)] as const);
  const files = Object.fromEntries([['model.onnx', Buffer.from(graph)] as const, ...texts]);
  const entries = Object.entries(files).map(([path, body]) => [
    path,
    { size: body.length, sha256: createHash('sha256').update(body).digest('hex') },
  ]);
  return { manifest: modelManifestSchema.parse({ name, version: '1', files: Object.fromEntries(entries) }), files };
}
