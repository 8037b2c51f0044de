import { parseInput } from '../../../functions/http/parse-input.ts';
import type { InferRequest } from '../../../functions/inference/protocol.ts';
import { tasks } from '../../../functions/tasks/index.ts';
import { type Infer, runTask } from '../../../functions/tasks/task.ts';
import type { TaskName } from '../../../functions/tasks/task-names.ts';
import { type OnnxGraph, type OnnxInitializer, onnxModel } from '../../onnx-model.ts';
import { startModels } from '../../task-model.ts';

/** Asks tasks of models that run on the CPU host, as a caller's request does, and keeps what the model was asked. */
export function startHost() {
  const models = startModels();
  return {
    close: models.close,
    async open(graph: OnnxGraph, assets: Record<string, unknown>, manifest: Record<string, unknown> = {}) {
      const given = { task: 'text-classification' as const, graph: onnxModel(graph), assets, manifest };
      const { model, infer } = await models.open(given);
      /** The runs of the model that the last question took. */
      const requests: InferRequest[] = [];
      const record: Infer = (request) => {
        requests.push(request);
        return infer(request);
      };
      const ask = async (name: TaskName, input: unknown): Promise<unknown> => {
        requests.length = 0;
        const parsed = parseInput(tasks[name].input, input);
        return JSON.parse(JSON.stringify(await runTask(tasks[name], parsed, model, record)));
      };
      return { ask, requests, model };
    },
  };
}

/** input_ids [rows, tokens] → for each output a row of its table for every token: [rows, tokens, width], or [rows, tokens]. */
export function lookupGraph(
  outputs: Readonly<Record<string, readonly (readonly number[] | number)[]>>,
  inputs: readonly string[] = ['input_ids', 'attention_mask'],
): OnnxGraph {
  const width = (rows: readonly (readonly number[] | number)[]) =>
    typeof rows[0] === 'number' ? [] : [rows[0]!.length];
  return {
    nodes: Object.keys(outputs).map((name) => ({
      op: 'Gather',
      inputs: [`table_${name}`, 'input_ids'],
      outputs: [name],
      attributes: { axis: 0 },
    })),
    inputs: inputs.map((name) => ({ name, datatype: 'INT64', shape: [-1, -1] })),
    outputs: Object.entries(outputs).map(([name, rows]) => {
      return { name, datatype: 'FP32', shape: [-1, -1, ...width(rows)] };
    }),
    initializers: Object.entries(outputs).map(
      ([name, rows]): OnnxInitializer => ({
        name: `table_${name}`,
        datatype: 'FP32',
        shape: [rows.length, ...width(rows)],
        data: Float32Array.from(rows.flat()),
      }),
    ),
  };
}

/** rows [n, features] → rows × weights [features, width]. */
export function linearGraph(weights: readonly (readonly number[])[], output: string): OnnxGraph {
  const width = weights[0]!.length;
  return {
    nodes: [{ op: 'MatMul', inputs: ['rows', 'weights'], outputs: [output] }],
    inputs: [{ name: 'rows', datatype: 'FP32', shape: [-1, weights.length] }],
    outputs: [{ name: output, datatype: 'FP32', shape: [-1, width] }],
    initializers: [
      { name: 'weights', datatype: 'FP32', shape: [weights.length, width], data: Float32Array.from(weights.flat()) },
    ],
  };
}
