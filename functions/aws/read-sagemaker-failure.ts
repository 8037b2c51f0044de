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

/** What the container answered. Triton says 400 to almost every error, and 507 where a model finds no memory. */
function readModelError(error: ModelError, readReason: (body: string) => string): Failure {
  const { OriginalStatusCode: status = 500, OriginalMessage: message = '' } = error;
  if (status === 507) {
    return failure('model_not_ready', 'the SageMaker host has no memory for the model at the moment', error, true);
  }
  if (status === 429) return failure('throttled', 'the model has too many requests at the moment', error, true);
  const reason = readReason(message);
  if (status >= 400 && status < 500)
    return failure('model_rejected_input', `the model refused: ${reason}`, error, false);
  return failure('model_failed', `the model failed on the SageMaker host (${status}): ${reason}`, error, false);
}
