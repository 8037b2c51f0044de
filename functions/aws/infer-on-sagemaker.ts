import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { readOnnxReason } from '../host/onnx-reason.ts';
import { decodeInferResponse, encodeInferRequest } from '../inference/binary-tensor.ts';
import type { Tensor, TensorMetadata } from '../inference/protocol.ts';
import { holdsNul } from '../inference/tensor.ts';
import { fromTritonShape, toTritonShape } from '../registry/triton-package.ts';
import type { Services } from '../services.ts';
import { targetModel } from '../storage/object-keys.ts';
import { readSageMakerFailure } from './read-sagemaker-failure.ts';
import { clientSettings, retry } from './retry.ts';

/** Triton in SageMaker mode wants it spelled exactly so. Source: triton-inference-server/server, sagemaker_server.cc. */
const contentType = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';

/** The GPU host, a multi-model endpoint with NVIDIA Triton. Errors: docs/errors.md. */
export function createSageMakerHost(config: Config): Pick<Services, 'infer'> {
  const { SAGEMAKER_ENDPOINT_NAME: endpointName, SAGEMAKER_MAX_BYTES: maxBytes } = config;
  const client = new SageMakerRuntimeClient(clientSettings);

  return {
    async infer({ manifest, inputs, outputs }, request, deadline) {
      if (!endpointName) {
        throw new ServiceError(
          'host_unavailable',
          'no SageMaker endpoint is deployed; set "host": "lambda" in model.json',
        );
      }
      const cut = request.inputs.find(holdsNul);
      if (cut) {
        const message = `input '${cut.name}' holds a NUL byte, where Triton's ONNX backend would cut the text; the CPU host takes it`;
        throw new ServiceError('model_rejected_input', message);
      }
      const { headerLength, body } = encodeInferRequest({
        ...request,
        inputs: reshape(request.inputs, inputs, manifest.maxBatchSize, toTritonShape),
      });
      if (body.length > maxBytes) {
        const message = `the request has ${body.length} bytes; the SageMaker host takes ${maxBytes} (SAGEMAKER_MAX_BYTES)`;
        throw new ServiceError('payload_too_large', message);
      }
      const command = new InvokeEndpointCommand({
        EndpointName: endpointName,
        TargetModel: targetModel(manifest.name, manifest.version),
        ContentType: `${contentType}${headerLength}`,
        Accept: `${contentType}${headerLength}`,
        Body: body,
      });
      const answer = await retry(deadline, (options) => client.send(command, options), readTritonFailure);
      const response = decodeInferResponse(answer.Body ?? Buffer.alloc(0), readHeaderLength(answer.ContentType));
      const shaped = reshape(response.outputs, outputs, manifest.maxBatchSize, fromTritonShape);
      return {
        response: { ...response, model_name: manifest.name, model_version: manifest.version, outputs: shaped },
      };
    },
  };
}

function reshape(
  tensors: readonly Tensor[],
  declarations: readonly TensorMetadata[],
  maxBatchSize: number,
  convert: typeof toTritonShape,
): Tensor[] {
  return tensors.map((tensor) => {
    const declared = declarations.find(({ name }) => name === tensor.name);
    return declared ? { ...tensor, shape: convert(declared, tensor.shape, maxBatchSize) } : tensor;
  });
}

function readHeaderLength(type = ''): number {
  const size = /^application\/vnd\.sagemaker-triton\.binary\+json;\s*json-header-size=(\d+)$/.exec(type)?.[1];
  if (size) return Number(size);
  throw new ServiceError('model_failed', `the SageMaker host answered '${type}', not tensors in binary`);
}

const readTritonFailure = (cause: unknown) => readSageMakerFailure(cause, readTritonMessage);

/** `{"error": "[request id: …] …"}` without the id and without what ONNX Runtime says of its own sources. */
function readTritonMessage(body: string): string {
  let message = body;
  try {
    message = String(Object(JSON.parse(body)).error ?? body);
  } catch {
    // Triton's own front end answers JSON; what stands before it does not.
  }
  return readOnnxReason(message.replace(/^\[request id: [^\]]*\]\s*/, '').replace(/^onnx runtime error \d+:\s*/i, ''));
}
