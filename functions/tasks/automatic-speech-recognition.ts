import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { InferResponse } from '../inference/protocol.ts';
import { numbersOf } from '../inference/tensor.ts';
import type { Model } from '../registry/model-manifest.ts';
import { decodeBeam, decodeGreedy, type Logits, logProbability } from './ctc.ts';
import { readCtcVocabulary, toCharacters, toText, toWords } from './ctc-vocabulary.ts';
import { readSamples, readSoundModel, type SoundModel, soundInput, soundRequest } from './sound-input.ts';
import type { Infer, Task } from './task.ts';

const strideForm = 'seconds from 0 to 600 are needed, or two of them';
const chunkForm = 'seconds from 0.1 to 600 are needed';
const seconds = z.number(strideForm).min(0, strideForm).max(600, strideForm);
const beamsForm = 'a whole number from 1 to 100 is needed';
const timestamps = "false, true (words), 'word' or 'char' is needed";
const parametersSchema = z.strictObject({
  return_timestamps: z
    .union([z.boolean(timestamps), z.enum(['word', 'char'], timestamps)])
    .default(false)
    .describe('Begin and end of each word (true) or letter, in seconds.'),
  return_scores: z
    .boolean('true or false is needed')
    .default(false)
    .describe(
      'With return_timestamps: the tokens of each piece and the logarithms of their probabilities, and `duration`.',
    ),
  chunk_length_s: z
    .number(chunkForm)
    .min(0.1, chunkForm)
    .max(600, chunkForm)
    .optional()
    .describe('Sounds longer than this are read in chunks that overlap by stride_length_s on either side.'),
  stride_length_s: z
    .union([seconds, z.tuple([seconds, seconds], strideForm)])
    .optional()
    .describe('How far chunks overlap at their left and right; without it a sixth of a chunk.'),
  generation_parameters: z
    .strictObject({
      num_beams: z
        .int(beamsForm)
        .min(1, beamsForm)
        .max(100, beamsForm)
        .default(1)
        .describe('1: the best token of every frame; more: prefix beam search.'),
    })
    .prefault({}),
});
const input = z.strictObject({ inputs: soundInput, parameters: parametersSchema.prefault({}) });

type Input = z.infer<typeof input>;

/** A piece of a transcript: times in seconds; ids of tokens and the logarithms of their probabilities where asked for. */
export interface TranscriptChunk {
  readonly text: string;
  readonly timestamp: readonly [number, number];
  readonly tokens?: readonly number[];
  readonly logprobs?: readonly number[];
}

export interface Transcript {
  readonly text: string;
  readonly chunks?: readonly TranscriptChunk[];
  /** Of the sound, in seconds. */
  readonly duration?: number;
}

/**
 * A sound → its text, by a model with CTC outputs [1, frames, vocabulary]: `{ text }`, with `return_timestamps` also
 * `{ chunks: [{ text, timestamp: [start, end] }] }`, in seconds.
 */
export const automaticSpeechRecognition: Task<Input, Transcript> = {
  name: 'automatic-speech-recognition',
  rawBody: 'bytes',
  input,
  async preprocess({ inputs }, model) {
    const soundModel = readSoundModel(model);
    return soundRequest(await readSamples(inputs, soundModel), model, soundModel);
  },
  postprocess(response, given, model) {
    const logits = readLogits(response, model);
    const { extractor } = readSoundModel(model);
    // Without the sound at hand the time of a frame is known only where config.json tells the convolutions' strides.
    const hop = samplesPerFrame(model);
    if (given.parameters.return_timestamps && hop === undefined) {
      throw new ServiceError('model_failed', `config.json of model ${model.manifest.name} has no conv_stride`);
    }
    return transcribe(logits, (hop ?? 0) / extractor.sampleRateHz, given, model);
  },
  async run(given, model, infer) {
    const soundModel = readSoundModel(model);
    const samples = await readSamples(given.inputs, soundModel);
    const logits = await readInChunks(samples, given, model, soundModel, infer);
    const hop = samplesPerFrame(model) ?? samples.length / Math.max(1, logits.frames);
    return transcribe(logits, hop / soundModel.extractor.sampleRateHz, given, model);
  },
};

function transcribe(logits: Logits, secondsPerFrame: number, { parameters }: Input, model: Model): Transcript {
  const vocabulary = readCtcVocabulary(model);
  const { return_timestamps: wanted, generation_parameters } = parameters;
  if (logits.vocabulary < vocabulary.tokens.length) {
    const sizes = `${logits.vocabulary} numbers a frame for ${vocabulary.tokens.length} tokens`;
    throw new ServiceError('model_failed', `the answer of model ${model.manifest.name} has ${sizes}`);
  }
  if (generation_parameters.num_beams > 1) {
    if (wanted) {
      throw new ServiceError(
        'invalid_request',
        'parameters.return_timestamps needs num_beams 1: a beam has no one alignment',
      );
    }
    return { text: toText(decodeBeam(logits, vocabulary.blank, generation_parameters.num_beams), vocabulary) };
  }
  const tokens = decodeGreedy(logits, vocabulary.blank);
  const text = toText(
    tokens.map(({ id }) => id),
    vocabulary,
  );
  if (!wanted) return { text };
  const pieces = wanted === 'char' ? toCharacters(tokens, vocabulary) : toWords(tokens, vocabulary);
  const chunks = pieces.map(({ text, start, end, tokens }): TranscriptChunk => {
    const piece = { text, timestamp: [start * secondsPerFrame, end * secondsPerFrame] as const };
    if (!parameters.return_scores) return piece;
    return { ...piece, tokens: tokens.map(({ id }) => id), logprobs: tokens.map((one) => logProbability(one, logits)) };
  });
  return { text, chunks, ...(parameters.return_scores && { duration: logits.frames * secondsPerFrame }) };
}

/** Frames of the whole sound: chunks overlap, and of an overlap each side gives the half that it heard in context. */
async function readInChunks(
  samples: Float32Array,
  given: Input,
  model: Model,
  soundModel: SoundModel,
  infer: Infer,
): Promise<Logits> {
  const { chunk, left, right } = chunkLengths(given, model, soundModel);
  const parts: Logits[] = [];
  for (let start = 0; ; start += chunk - left - right) {
    const piece = samples.subarray(start, start + chunk);
    const logits = readLogits(await infer(soundRequest(piece, model, soundModel)), model);
    const last = start + chunk >= samples.length;
    const perSample = 1 / (samplesPerFrame(model) ?? piece.length / logits.frames);
    const from = start === 0 ? 0 : Math.round(left * perSample);
    const to = last ? logits.frames : Math.round(piece.length * perSample) - Math.round(right * perSample);
    parts.push(cut(logits, from, Math.min(to, logits.frames)));
    if (last) return join(parts);
  }
}

/** In samples, as whole frames where the strides of the model's convolutions are known: transformers' chunk_iter. */
function chunkLengths({ parameters }: Input, model: Model, soundModel: SoundModel) {
  const frame = samplesPerFrame(model) ?? 1;
  const toSamples = (length: number) => Math.round((length * soundModel.extractor.sampleRateHz) / frame) * frame;
  const chunkSeconds = parameters.chunk_length_s ?? soundModel.chunk_length_s;
  const strides = parameters.stride_length_s ?? soundModel.stride_length_s ?? chunkSeconds / 6;
  const [left, right] = typeof strides === 'number' ? [strides, strides] : strides;
  const lengths = { chunk: toSamples(chunkSeconds), left: toSamples(left), right: toSamples(right) };
  if (lengths.chunk > lengths.left + lengths.right) return lengths;
  throw new ServiceError(
    'invalid_request',
    `chunks of ${chunkSeconds} s are not longer than their strides of ${left} s and ${right} s together`,
  );
}

const configSchema = z.looseObject({ conv_stride: z.array(z.int().min(1)).min(1).optional() });

/** Samples between two frames of a wav2vec 2.0 kind of model: the product of its convolutions' strides. */
function samplesPerFrame(model: Model): number | undefined {
  const parsed = configSchema.safeParse(model.assets['config.json'] ?? {});
  return parsed.data?.conv_stride?.reduce((product, stride) => product * stride, 1);
}

function readLogits(response: InferResponse, model: Model): Logits {
  const tensor = response.outputs.find(({ name }) => name === 'logits') ?? response.outputs[0];
  const [batch, frames, vocabulary] = tensor?.shape ?? [];
  if (!tensor || tensor.datatype === 'BYTES' || tensor.shape.length !== 3 || batch !== 1 || !vocabulary) {
    const given = tensor ? `${tensor.name} ${tensor.datatype} [${tensor.shape}]` : 'no outputs';
    const needed = 'CTC outputs [1, frames, vocabulary] are needed';
    throw new ServiceError('model_failed', `the answer of model ${model.manifest.name} has ${given}; ${needed}`);
  }
  const data = numbersOf({ ...tensor, datatype: tensor.datatype }) as ArrayLike<number>;
  return { frames: frames ?? 0, vocabulary, data };
}

function cut({ vocabulary, data }: Logits, from: number, to: number): Logits {
  const start = from * vocabulary;
  const length = Math.max(0, to - from) * vocabulary;
  return {
    frames: Math.max(0, to - from),
    vocabulary,
    data: Float32Array.from({ length }, (_, i) => data[start + i]!),
  };
}

function join(parts: readonly Logits[]): Logits {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const frames = parts.reduce((sum, part) => sum + part.frames, 0);
  const vocabulary = first?.vocabulary ?? 0;
  const data = new Float32Array(frames * vocabulary);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return { frames, vocabulary, data };
}
