import { ServiceError } from '../errors.ts';
import { declareBinary, encodeBinary } from './binary-tensor.ts';
import { classifyTensor } from './classify-tensor.ts';
import type { InferRequest, InferResponse, Parameters, RequestedOutput, Tensor } from './protocol.ts';
import { renderJsonTensor } from './render-json-tensor.ts';

/** An answer on the wire; `headerLength` is absent where it is JSON alone. */
export interface RenderedResponse {
  readonly headerLength?: number;
  readonly body: string | Buffer;
}

/**
 * The answer that `request` asks for: its outputs in its order, each in JSON or in binary (`binary_data`, else
 * `binary_data_output`), or as classes (`classification`, with `labels`), with its id and its parameters.
 * Throws model_failed where the model did not give an output that was asked for.
 */
export function renderInferResponse(
  request: InferRequest,
  response: InferResponse,
  labels?: readonly string[],
): RenderedResponse {
  const { binary_data_output: binaryByDefault = false, ...echoed } = request.parameters ?? {};
  const requested: readonly RequestedOutput[] = request.outputs ?? response.outputs.map(({ name }) => ({ name }));
  const binary: Tensor[] = [];
  const outputs = requested.map(({ name, parameters = {} }) => {
    const tensor = selectOutput(response, name, parameters, labels);
    if (!(parameters.binary_data ?? binaryByDefault)) return renderJsonTensor(tensor);
    binary.push(tensor);
    return JSON.stringify(declareBinary(tensor));
  });
  const { model_name, model_version } = response;
  const parameters = { ...echoed, ...response.parameters };
  const identity = JSON.stringify({
    model_name,
    model_version,
    id: request.id,
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
  });
  const json = `${identity.slice(0, -1)},"outputs":[${outputs.join(',')}]}`;
  return binary.length === 0 ? { body: json } : encodeBinary(json, binary);
}

function selectOutput(
  response: InferResponse,
  name: string,
  { classification }: Parameters,
  labels?: readonly string[],
): Tensor {
  const tensor = response.outputs.find((output) => output.name === name);
  if (!tensor) throw new ServiceError('model_failed', `the model gave no output "${name}"`);
  return typeof classification === 'number' ? classifyTensor(tensor, classification, labels) : tensor;
}
