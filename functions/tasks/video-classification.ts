import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Tensor } from '../inference/protocol.ts';
import { createElements, createTensor } from '../inference/tensor.ts';
import { processImage } from '../media/image-processor.ts';
import { type FrameSampling, sampleFrames } from '../media/sample-frames.ts';
import { decodeFrames, readVideoHeader } from '../media/video.ts';
import type { Model } from '../registry/model-manifest.ts';
import { type ClassificationScore, classificationParameters, readScores } from './classification.ts';
import { fileInput } from './file-input.ts';
import { fillPixels, type ImageModel, readImageModel } from './image-input.ts';
import { checkShape } from './model-input.ts';
import type { Task } from './task.ts';

const form = 'a whole number from 1 to 256 is needed';
const few = z.int(form).min(1, form).max(256, form);
const input = z.strictObject({
  inputs: fileInput('a video'),
  parameters: classificationParameters
    .extend({
      num_frames: few.optional().describe('How many frames the model sees; without it the package decides.'),
      frame_sampling_rate: few
        .optional()
        .describe('Every how many frames of the video one is taken, from its beginning.'),
    })
    .prefault({}),
});

type Input = z.infer<typeof input>;

/** What model.json's `preprocessing` may say of frames besides the words of an image processor. */
const settingsSchema = z.object({
  num_frames: few.optional(),
  /** `first` is what transformers' pipeline does. */
  frame_sampling: z.enum(['first', 'uniform', 'fps']).default('first'),
  frame_sampling_rate: few.default(1),
  fps: z.number().positive().default(1),
});

/** A video → labels with scores, best first: `[{ label, score }]`. */
export const videoClassification: Task<Input, ClassificationScore[]> = {
  name: 'video-classification',
  rawBody: 'bytes',
  input,
  async preprocess(given, model) {
    return { inputs: [await framesTensor(given, model)] };
  },
  postprocess(response, { parameters }, model) {
    return readScores(response, 1, parameters, model)[0]!;
  },
};

/** [1, frames, channels, height, width], or [1, channels, frames, height, width] where the graph is declared so. */
async function framesTensor({ inputs: bytes, parameters }: Input, model: Model): Promise<Tensor> {
  const imageModel = readImageModel(model);
  const { input: declared, datatype, processor } = imageModel;
  if (declared.shape.length !== 5) {
    throw new ServiceError(
      'model_failed',
      `the graph takes ${declared.name} [${declared.shape}]; five dimensions are needed`,
    );
  }
  const { channels } = processor;
  const timeLast = declared.shape[1] === channels && declared.shape[2] !== channels;
  const video = await readVideoHeader(bytes);
  const numbers = sampleFrames(readSampling(parameters, declared.shape[timeLast ? 2 : 1], model), video);
  const { box } = processor.layOut(video);
  const plane = box.width * box.height;
  const elements = createElements(datatype, numbers.length * channels * plane);
  const frame = createElements(datatype, channels * plane);
  const distinct = [...new Set(numbers)];
  let next = 0;
  for await (const picture of decodeFrames(bytes, video, distinct)) {
    fillPixels(processImage(picture, processor), box, planar(imageModel), frame);
    numbers.forEach((number, place) => {
      if (number !== distinct[next]) return;
      for (let channel = 0; channel < channels; channel++) {
        const at = timeLast ? channel * numbers.length + place : place * channels + channel;
        elements.set(frame.subarray(channel * plane, (channel + 1) * plane), at * plane);
      }
    });
    next++;
  }
  const shape = timeLast ? [1, channels, numbers.length] : [1, numbers.length, channels];
  return checkShape(
    createTensor(declared.name, datatype, [...shape, box.height, box.width], elements),
    declared,
    model,
  );
}

function planar(imageModel: ImageModel): ImageModel {
  return { ...imageModel, order: 'channels_first' };
}

function readSampling(parameters: Input['parameters'], declared: number | undefined, model: Model): FrameSampling {
  const config = model.assets['config.json'] as { num_frames?: unknown } | undefined;
  const parsed = settingsSchema.safeParse({ num_frames: config?.num_frames, ...model.manifest.preprocessing });
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error);
    throw new ServiceError('model_failed', `preprocessing of model ${model.manifest.name} cannot be read: ${reason}`);
  }
  const { num_frames, frame_sampling, frame_sampling_rate, fps } = parsed.data;
  const fixed = declared !== undefined && declared > 0 ? declared : undefined;
  if (fixed !== undefined && parameters.num_frames !== undefined && parameters.num_frames !== fixed) {
    throw new ServiceError(
      'invalid_request',
      `parameters.num_frames is ${parameters.num_frames}; the model takes ${fixed}`,
    );
  }
  const count = fixed ?? parameters.num_frames ?? num_frames ?? 16;
  if (parameters.frame_sampling_rate !== undefined)
    return { kind: 'first', count, rate: parameters.frame_sampling_rate };
  if (frame_sampling === 'first') return { kind: 'first', count, rate: frame_sampling_rate };
  return { kind: frame_sampling, count, fps };
}
