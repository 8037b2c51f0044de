import { ServiceError } from '../errors.ts';
import type { InferResponse, Tensor } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';
import { initialState, type SoundModel, soundRequest } from './sound-input.ts';
import type { Infer } from './task.ts';

export interface RecurrentStep {
  /** What the model answered for one chunk, without its state. */
  readonly response: InferResponse;
  /** The chunk's beginning and end, in samples. */
  readonly start: number;
  readonly end: number;
}

/**
 * Drives a model with state inputs and outputs along a sound: each run sees `context_samples` of the sound before its
 * chunk, the chunk, and the state that the run before it gave. The last chunk is filled up with silence.
 */
export async function* runRecurrent(
  samples: Float32Array,
  model: Model,
  soundModel: SoundModel,
  infer: Infer,
): AsyncGenerator<RecurrentStep> {
  const { chunk_samples: chunk, context_samples: context, state: pairs } = soundModel.recurrent!;
  const stateOutputs = new Set(Object.values(pairs));
  let state = Object.keys(pairs).map((name) => initialState(name, model));
  for (let start = 0; start < samples.length; start += chunk) {
    const end = Math.min(samples.length, start + chunk);
    const seen = new Float32Array(context + chunk);
    const from = Math.max(0, start - context);
    seen.set(samples.subarray(from, end), context - (start - from));
    const response = await infer(soundRequest(seen, model, soundModel, state));
    state = Object.entries(pairs).map(([input, output]) => nextState(input, output, response, model));
    yield {
      response: { ...response, outputs: response.outputs.filter(({ name }) => !stateOutputs.has(name)) },
      start,
      end,
    };
  }
}

function nextState(input: string, output: string, response: InferResponse, model: Model): Tensor {
  const tensor = response.outputs.find(({ name }) => name === output);
  if (tensor) return { name: input, datatype: tensor.datatype, shape: tensor.shape, data: tensor.data };
  throw new ServiceError('model_failed', `model ${model.manifest.name} gave no output '${output}', its next state`);
}
