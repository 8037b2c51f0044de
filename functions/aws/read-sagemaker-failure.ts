import { ModelError } from '@aws-sdk/client-sagemaker-runtime';
import { failure, readFailure } from './read-failure.ts';
import type { Failure } from './retry.ts';

/** What a failed call of a SageMaker endpoint means. `readReason` finds the words for the caller in a container's answer. */
export function readSageMakerFailure(cause: unknown, readReason: (body: string) => string): Failure {
  if (cause instanceof ModelError) return readModelError(cause, readReason);
  if (cause instanceof Error && cause.name === 'ModelNotReadyException') {
    return failure('model_not_ready', 'the SageMaker host is still loading the model', cause, true);
  }
  return readFailure(cause);
}

/** Status 0: SageMaker had no answer of the container to pass on, and the message is its own. */
function readOwnFailure(message: string, error: ModelError): Failure {
  if (/timed out/i.test(message)) {
    return failure('deadline_exceeded', 'the model did not answer the SageMaker host in time', error, false);
  }
  if (/\b(?:size|bytes|large)\b/i.test(message)) {
    const reason = "the model's answer is larger than the SageMaker host returns: ask for fewer outputs or rows";
    return failure('payload_too_large', reason, error, false);
  }
  return failure('model_failed', 'the model gave the SageMaker host no answer', error, false);
}

/** What the container answered. Triton says 400 to almost every error, and 507 where a model finds no memory. */
function readModelError(error: ModelError, readReason: (body: string) => string): Failure {
  const { OriginalStatusCode: status = 500, OriginalMessage: message = '' } = error;
  if (status === 507) {
    return failure('model_not_ready', 'the SageMaker host has no memory for the model at the moment', error, true);
  }
  if (status === 429) return failure('throttled', 'the model has too many requests at the moment', error, true);
  if (status === 0) return readOwnFailure(message, error);
  const reason = readReason(message);
  if (status >= 400 && status < 500)
    return failure('model_rejected_input', `the model refused: ${reason}`, error, false);
  return failure('model_failed', `the model failed on the SageMaker host (${status}): ${reason}`, error, false);
}
