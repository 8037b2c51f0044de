import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { createAst, createWhisper } from './log-mel.ts';
import { createMel, createMfcc } from './mel-spectrogram.ts';
import { createWaveform } from './waveform.ts';

/** What a model reads of a sound; `shape` has no batch dimension, time is its last one (of AST's: the first one). */
export interface Features {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Steps of time, and how many of them are of the sound: the rest is padding. */
  readonly steps: number;
  readonly length: number;
}

/** How one model's sounds are made ready; read once from its preprocessor_config.json. */
export interface FeatureExtractor {
  readonly sampleRateHz: number;
  /** Features of mono samples at that rate. Throws invalid_request where they are too few. */
  extract(samples: Float32Array): Features;
}

const extractors: Readonly<Record<string, (config: unknown, inputLength?: number) => FeatureExtractor>> = {
  // Without a kind the model takes the samples as they are.
  '': (config, inputLength) => createWaveform(config, false, inputLength),
  Wav2Vec2FeatureExtractor: (config, inputLength) => createWaveform(config, true, inputLength),
  WhisperFeatureExtractor: createWhisper,
  ASTFeatureExtractor: createAst,
  MelSpectrogram: createMel,
  MFCC: createMfcc,
};

/**
 * Reads preprocessor_config.json, or the same words in model.json. Throws model_failed where it asks for what is not done
 * here. `inputLength`: samples that the graph takes, where it fixes them and takes samples.
 * Source: Hugging Face transformers, models/<kind>/feature_extraction_<kind>.py; torchaudio.transforms.
 */
export function parseFeatureExtractor(config: unknown, inputLength?: number): FeatureExtractor {
  const { feature_extractor_type: kind } = config as { feature_extractor_type?: string };
  const create = Object.hasOwn(extractors, kind ?? '') ? extractors[kind ?? ''] : undefined;
  if (!create) {
    const known = Object.keys(extractors).filter(Boolean).join(', ');
    return refuse(`feature_extractor_type is ${kind}; ${known} are known, and none for plain samples`);
  }
  try {
    return create(config, inputLength);
  } catch (error) {
    if (error instanceof z.ZodError) return refuse(z.prettifyError(error).replaceAll('\n', ' '));
    throw error;
  }
}

function refuse(reason: string): never {
  throw new ServiceError('model_failed', `the model's preprocessor_config.json cannot be followed: ${reason}`);
}
