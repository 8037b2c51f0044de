import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Datatype, InferRequest, Tensor, TensorMetadata } from '../inference/protocol.ts';
import { createElements, createTensor, type NumericDatatype, numberToHalf } from '../inference/tensor.ts';
import { decodeAudio } from '../media/audio.ts';
import { type FeatureExtractor, type Features, parseFeatureExtractor } from '../media/feature-extractor.ts';
import type { Model } from '../registry/model-manifest.ts';
import { classificationParameters } from './classification.ts';
import { fileInput } from './file-input.ts';
import { checkShape } from './model-input.ts';

export const soundInput = fileInput('a sound');

const samples = z.int().min(0).max(1e6);
const seconds = z.number().min(0).max(600);

/** What model.json's `preprocessing` may say of a sound model besides the words of a feature extractor. */
const settingsSchema = z.object({
  /** Inputs of the graph that are the same for every sound, by name: `{ "sr": 16000 }`. */
  constants: z.record(z.string(), z.number()).default({}),
  /** The model takes a sound as a sequence of chunks and passes itself a state. */
  recurrent: z
    .strictObject({
      chunk_samples: samples.min(1),
      /** Samples before the chunk that the model sees once more; silence at the beginning. */
      context_samples: samples.default(0),
      /** Input that takes the state → output that gives the next one. The first state is zeros. */
      state: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
  /** What makes scores of the outputs; without it config.json decides. */
  function_to_apply: classificationParameters.shape.function_to_apply,
  /** Of speech recognition: longer sounds are read in overlapping chunks. */
  chunk_length_s: seconds.min(0.1).default(30),
  stride_length_s: z.union([seconds, z.tuple([seconds, seconds])]).optional(),
});

/** How one sound model is fed. */
export interface SoundModel extends z.infer<typeof settingsSchema> {
  readonly extractor: FeatureExtractor;
  /** The input that takes the features. */
  readonly input: TensorMetadata;
}

const soundModels = new WeakMap<Model, SoundModel>();

/** Reads preprocessor_config.json and model.json of a sound model once. Throws model_failed where they are wrong. */
export function readSoundModel(model: Model): SoundModel {
  const known = soundModels.get(model);
  if (known) return known;
  const file = model.assets['preprocessor_config.json'];
  if (file === undefined && model.manifest.preprocessing === undefined) {
    return fail(model, 'has neither preprocessor_config.json nor preprocessing in its model.json');
  }
  const config = { ...model.manifest.preprocessing, ...(file as object) };
  const settings = settingsSchema.safeParse(config);
  if (!settings.success)
    return fail(model, `has a preprocessing that cannot be read: ${z.prettifyError(settings.error)}`);
  const { constants, recurrent } = settings.data;
  const others = new Set([...Object.keys(constants), ...Object.keys(recurrent?.state ?? {}), 'attention_mask']);
  const [input, ...rest] = model.inputs.filter(({ name }) => !others.has(name));
  if (!input || rest.length > 0) {
    const names = model.inputs.map(({ name }) => name).join(', ') || 'none';
    return fail(model, `has the inputs ${names}: all but one must be named in constants or state of its preprocessing`);
  }
  const last = input.shape.at(-1);
  const extractor = parseFeatureExtractor(config, last !== undefined && last > 0 ? last : undefined);
  const soundModel = { ...settings.data, extractor, input };
  soundModels.set(model, soundModel);
  return soundModel;
}

/** A sound's file → mono samples at the model's rate. Throws what decodeAudio throws. */
export function readSamples(bytes: Uint8Array, { extractor }: SoundModel): Promise<Float32Array> {
  return decodeAudio(bytes, extractor.sampleRateHz);
}

/** The request for one run: features of `samples`, an attention mask where the graph has one, constants and `state`. */
export function soundRequest(
  samples: Float32Array,
  model: Model,
  soundModel: SoundModel,
  state: readonly Tensor[] = [],
): InferRequest {
  const features = soundModel.extractor.extract(samples);
  const mask = model.inputs.find(({ name }) => name === 'attention_mask');
  const constants = Object.entries(soundModel.constants).map(([name, value]) => {
    const input = inputNamed(name, model);
    return filled(input, input.shape.map(one), () => value, model);
  });
  return {
    inputs: [
      featureTensor(features, soundModel.input, model),
      ...(mask ? [filled(mask, [1, features.steps], (i) => (i < features.length ? 1 : 0), model)] : []),
      ...constants,
      ...state,
    ],
  };
}

/** A state of zeros; a dimension that the graph leaves open is 1, a batch of one sound. */
export function initialState(name: string, model: Model): Tensor {
  const input = inputNamed(name, model);
  return filled(input, input.shape.map(one), () => 0, model);
}

const encoders: Partial<Record<Datatype, (value: number) => number | bigint>> = {
  FP32: (value) => value,
  FP64: (value) => value,
  FP16: numberToHalf,
  INT32: (value) => value,
  INT64: BigInt,
  BOOL: (value) => value,
};

function featureTensor({ shape, data }: Features, input: TensorMetadata, model: Model): Tensor {
  if (!input.datatype.startsWith('FP'))
    return fail(model, `takes ${input.name} as ${input.datatype}, which no sound is`);
  // A batch of one, and the channel axis of a network that sees a spectrogram as a picture.
  const leading = Array.from({ length: Math.max(0, input.shape.length - shape.length) }, () => 1);
  return filled(input, [...leading, ...shape], (i) => data[i]!, model);
}

function filled(
  input: TensorMetadata,
  shape: readonly number[],
  value: (index: number) => number,
  model: Model,
): Tensor {
  const encode = encoders[input.datatype];
  if (!encode) return fail(model, `takes ${input.name} as ${input.datatype}; ${Object.keys(encoders)} can be made`);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const elements = createElements(input.datatype as NumericDatatype, count);
  for (let i = 0; i < count; i++) elements[i] = encode(value(i));
  return checkShape(createTensor(input.name, input.datatype as NumericDatatype, shape, elements), input, model);
}

function one(dimension: number): number {
  return dimension === -1 ? 1 : dimension;
}

function inputNamed(name: string, model: Model): TensorMetadata {
  const input = model.inputs.find((one) => one.name === name);
  return input ?? fail(model, `has no input '${name}', which its preprocessing names`);
}

function fail(model: Model, reason: string): never {
  throw new ServiceError('model_failed', `model ${model.manifest.name} ${reason}`);
}
