import { createModelHost } from '../functions/host/create-model-host.ts';
import type { ModelHost, ModelSource } from '../functions/host/model-host.ts';
import type { Datatype } from '../functions/inference/protocol.ts';
import { type Model, modelManifestSchema } from '../functions/registry/model-manifest.ts';
import { tasks } from '../functions/tasks/index.ts';
import type { Infer } from '../functions/tasks/task.ts';
import { runTask } from '../functions/tasks/task.ts';
import type { TaskName } from '../functions/tasks/task-names.ts';
import { type OnnxValue, onnxModel } from './onnx-model.ts';

export interface TestPackage {
  readonly task: TaskName;
  readonly graph: Uint8Array;
  readonly manifest?: Record<string, unknown>;
  readonly assets?: Record<string, unknown>;
}

/** Registered models that run on a real host, without a platform around them. `close` it at the end. */
export function startModels(): { open(given: TestPackage): Promise<OpenModel>; close(): Promise<void> } {
  const host = createModelHost({ cacheBytes: 1e8 });
  let count = 0;
  return { open: (given) => openModel(host, `model-${count++}`, given), close: () => host.close() };
}

export interface OpenModel {
  readonly model: Model;
  readonly infer: Infer;
  /** What `POST /models/{model}` answers to this body. */
  ask(body: unknown): Promise<unknown>;
}

async function openModel(
  host: ModelHost,
  id: string,
  { task: name, graph, manifest, assets }: TestPackage,
): Promise<OpenModel> {
  const source: ModelSource = {
    id,
    bytes: graph.length,
    maxBatchSize: 0,
    load: async () => ({ graph, externalData: [] }),
  };
  const soon = () => Date.now() + 60_000;
  const parsed = modelManifestSchema.parse({ name: 'm', version: '1', files: {}, task: name, ...manifest });
  const model: Model = { manifest: parsed, ...(await host.describe(source, soon())), assets: assets ?? {} };
  const infer: Infer = async (request) => {
    const { outputs } = await host.infer(source, request, soon());
    return { model_name: 'm', model_version: '1', outputs };
  };
  const task = tasks[name];
  return { model, infer, ask: async (body) => runTask(task, task.input.parse(body), model, infer) };
}

/** A graph that answers the same whatever it is asked. */
export function constantModel(
  inputs: OnnxValue[],
  outputs: Record<string, { shape: readonly number[]; values: readonly number[]; datatype?: Datatype }>,
): Uint8Array {
  const names = Object.entries(outputs);
  return onnxModel({
    nodes: names.map(([name]) => ({ op: 'Identity', inputs: [`${name}_value`], outputs: [name] })),
    inputs,
    outputs: names.map(([name, { shape, datatype = 'FP32' }]) => ({ name, datatype, shape })),
    initializers: names.map(([name, { shape, values, datatype = 'FP32' }]) => {
      const data = datatype === 'INT64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
      return { name: `${name}_value`, datatype, shape, data };
    }),
  });
}

/** The input of a network for pictures. */
export function pixelValues(height: number, width = height, channels = 3): OnnxValue {
  return { name: 'pixel_values', datatype: 'FP32', shape: [1, channels, height, width] };
}
