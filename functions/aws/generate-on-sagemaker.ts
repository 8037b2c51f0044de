import {
  InvokeEndpointWithResponseStreamCommand,
  type ResponseStream,
  SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { renderContainerRequest } from '../generation/container-request.ts';
import { readContainerStream } from '../generation/container-stream.ts';
import { inferenceComponentName } from '../storage/object-keys.ts';
import { type GenerateOn, incomplete, readHostStream } from './host-stream.ts';
import { failure } from './read-failure.ts';
import { readSageMakerFailure } from './read-sagemaker-failure.ts';
import { type AttemptOptions, clientSettings, type Failure } from './retry.ts';

type LlmConfig = Pick<Config, 'LLM_ENDPOINT_NAME' | 'SAGEMAKER_MAX_BYTES'>;

/**
 * Texts from the LLM host: an endpoint with one inference component for each model version, in which a container speaks
 * OpenAI's API. Errors: docs/errors.md.
 */
export function createLlmGenerator({ LLM_ENDPOINT_NAME, SAGEMAKER_MAX_BYTES }: LlmConfig): GenerateOn {
  const client = new SageMakerRuntimeClient(clientSettings);

  return async function* generate({ manifest: { name, version } }, request, patience) {
    if (!LLM_ENDPOINT_NAME) throw new ServiceError('host_unavailable', 'no LLM host is deployed (-c llm)');
    const body = Buffer.from(JSON.stringify(renderContainerRequest(request)));
    if (body.length > SAGEMAKER_MAX_BYTES) {
      const message = `the request has ${body.length} bytes; the LLM host takes ${SAGEMAKER_MAX_BYTES} (SAGEMAKER_MAX_BYTES)`;
      throw new ServiceError('payload_too_large', message);
    }
    const command = new InvokeEndpointWithResponseStreamCommand({
      EndpointName: LLM_ENDPOINT_NAME,
      InferenceComponentName: inferenceComponentName(name, version),
      ContentType: 'application/json',
      Body: body,
    });
    const send = async (options: AttemptOptions) => (await client.send(command, options)).Body;
    const answer = readHostStream(command, send, patience, readLlmFailure);
    for await (const event of readContainerStream(readParts(answer))) {
      yield event;
      if (event.kind === 'end') return;
    }
    throw incomplete();
  };
}

/** Bytes of the container's answer. Throws where SageMaker says that it broke off: ModelStreamError, InternalStreamFailure. */
async function* readParts(events: AsyncIterable<ResponseStream>): AsyncGenerator<Uint8Array> {
  for await (const { PayloadPart, ModelStreamError, InternalStreamFailure } of events) {
    const broken = ModelStreamError ?? InternalStreamFailure;
    if (broken) throw incomplete(broken);
    if (PayloadPart?.Bytes) yield PayloadPart.Bytes;
  }
}

/** An inference component that has scaled to zero answers so until its first copy is up, which takes minutes. */
function readLlmFailure(cause: unknown): Failure {
  const { name, message = '' } = Object(cause) as { name?: string; message?: string };
  if (name === 'ValidationError' && /no capacity/i.test(message)) {
    const notReady = 'no copy of the model is up: one is being started, which takes minutes';
    return { error: new ServiceError('model_not_ready', notReady, { cause, retryAfterSeconds: 60 }), repeat: false };
  }
  if (name === 'ValidationError' && /not found|does not exist/i.test(message)) {
    return failure('host_unavailable', 'the LLM host does not serve this version: name it in -c llm', cause, false);
  }
  return readSageMakerFailure(cause, readContainerMessage);
}

/** vLLM says `{"error": {"message"}}` or `{"message"}`, LMI `{"error": "…"}`. */
function readContainerMessage(body: string): string {
  try {
    const { error, message } = Object(JSON.parse(body)) as { error?: unknown; message?: unknown };
    return String(Object(error).message ?? error ?? message ?? body);
  } catch {
    return body;
  }
}
