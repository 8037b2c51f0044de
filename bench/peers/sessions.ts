import { join } from 'node:path';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-node';
import type { Tensor } from '../../functions/inference/protocol.ts';
import { elementsOf } from '../../functions/inference/tensor.ts';
import { models } from '../models.ts';

/** One session per model of `folder`, each on one thread, as the platform's host has them. */
export async function openSessions(folder: string): Promise<Map<string, InferenceSession>> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1 };
  const entries = models.map(async ({ name }) => {
    return [name, await InferenceSession.create(join(folder, name, 'model.onnx'), options)] as const;
  });
  return new Map(await Promise.all(entries));
}

export function toFeeds(inputs: readonly Tensor[]): Record<string, OnnxTensor> {
  return Object.fromEntries(inputs.map((tensor) => [tensor.name, toOnnxTensor(tensor)]));
}

function toOnnxTensor({ name, datatype, shape, data }: Tensor): OnnxTensor {
  if (datatype === 'FP32') {
    return new OnnxTensor('float32', elementsOf({ name, datatype, shape, data }), shape);
  }
  if (datatype === 'INT64') {
    return new OnnxTensor('int64', elementsOf({ name, datatype, shape, data }), shape);
  }
  throw new Error(`no model of the bench takes ${datatype}`);
}
