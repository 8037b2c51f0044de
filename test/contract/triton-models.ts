import type { Datatype } from '../../functions/inference/protocol.ts';
import { pushModel } from '../flow/push-model.ts';
import type { RunningPlatform } from '../flow/run-platform.ts';
import { type OnnxNode, onnxModel } from '../onnx-model.ts';

/** The models that NVIDIA's example programs ask, by their names; with the two samples they are the seven that these count. */
export async function pushTritonModels(platform: RunningPlatform, maxBatchSize: number): Promise<void> {
  // TensorProto.DataType.
  const [int32, bytes] = [6, 8];
  const cast = (from: string, to: string, type: number): OnnxNode => ({
    op: 'Cast',
    inputs: [from],
    outputs: [to],
    attributes: { to: type },
  });
  const pair = ['INPUT0', 'INPUT1'];
  const models = {
    simple: graph('INT32', 16, sumAndDifference(pair, ['OUTPUT0', 'OUTPUT1'])),
    simple_string: graph('BYTES', 16, [
      ...pair.map((input) => cast(input, `${input}_number`, int32)),
      ...sumAndDifference(['INPUT0_number', 'INPUT1_number'], ['sum', 'difference']),
      cast('sum', 'OUTPUT0', bytes),
      cast('difference', 'OUTPUT1', bytes),
    ]),
    simple_identity: graph('BYTES', -1, [identity('INPUT0', 'OUTPUT0')]),
    custom_identity_int32: graph('INT32', 16, [identity('INPUT0', 'OUTPUT0')]),
    simple_sequence: graph('INT32', 1, [identity('INPUT', 'OUTPUT')]),
  };
  for (const [name, model] of Object.entries(models)) await pushModel(platform, { name, maxBatchSize }, model);
}

/** What is called INPUT… and OUTPUT… in `nodes` are rows of so many elements. */
function graph(datatype: Datatype, width: number, nodes: OnnxNode[]): Uint8Array {
  const rows = (names: string[], form: RegExp) =>
    [...new Set(names)].filter((name) => form.test(name)).map((name) => ({ name, datatype, shape: [-1, width] }));
  const inputs = nodes.flatMap((node) => node.inputs);
  const outputs = nodes.flatMap((node) => node.outputs);
  return onnxModel({ nodes, inputs: rows(inputs, /^INPUT\d?$/), outputs: rows(outputs, /^OUTPUT\d?$/) });
}

function sumAndDifference(inputs: string[], [sum, difference]: [string, string]): OnnxNode[] {
  return [
    { op: 'Add', inputs, outputs: [sum] },
    { op: 'Sub', inputs, outputs: [difference] },
  ];
}

function identity(input: string, output: string): OnnxNode {
  return { op: 'Identity', inputs: [input], outputs: [output] };
}
