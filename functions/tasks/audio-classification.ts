import * as z from 'zod';
import type { InferResponse } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import {
  type ClassificationParameters,
  type ClassificationScore,
  classificationParameters,
  readScores,
} from './classification.ts';
import { runRecurrent } from './recurrent.ts';
import { readSamples, readSoundModel, soundInput, soundRequest } from './sound-input.ts';
import type { Task } from './task.ts';

const input = z.strictObject({ inputs: soundInput, parameters: classificationParameters.prefault({}) });

interface SoundScore extends ClassificationScore {
  /** Begin and end in seconds, where the model hears the sound in chunks. */
  readonly timestamp?: readonly [number, number];
}

/**
 * A sound → labels with scores, best first: `[{ label, score }]`. A recurrent model (voice activity) answers these for
 * every chunk of the sound, in time's order: `[{ label, score, timestamp }]`.
 */
export const audioClassification: Task<z.infer<typeof input>, SoundScore[]> = {
  name: 'audio-classification',
  rawBody: 'bytes',
  input,
  async preprocess({ inputs }, model) {
    const soundModel = readSoundModel(model);
    return soundRequest(await readSamples(inputs, soundModel), model, soundModel);
  },
  postprocess(response, { parameters }, model) {
    return scoresOf(response, parameters, model);
  },
  async run(given, model, infer) {
    const soundModel = readSoundModel(model);
    if (!soundModel.recurrent) {
      return this.postprocess(await infer(await this.preprocess(given, model)), given, model);
    }
    const samples = await readSamples(given.inputs, soundModel);
    const { sampleRateHz } = soundModel.extractor;
    const scores: SoundScore[] = [];
    for await (const { response, start, end } of runRecurrent(samples, model, soundModel, infer)) {
      const timestamp = [start / sampleRateHz, end / sampleRateHz] as const;
      for (const score of scoresOf(response, given.parameters, model)) scores.push({ ...score, timestamp });
    }
    return scores;
  },
};

function scoresOf(response: InferResponse, parameters: ClassificationParameters, model: Model): ClassificationScore[] {
  const { function_to_apply } = readSoundModel(model);
  return readScores(response, 1, { function_to_apply, ...parameters }, model)[0]!;
}
