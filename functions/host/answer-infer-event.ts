import { ServiceError, toServiceError } from '../errors.ts';
import { joinBase64 } from '../inference/base64.ts';
import { countResponseBytes, decodeInferRequest, encodeInferResponse } from '../inference/binary-tensor.ts';
import { describeError, log } from '../log.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';
import { packageSource } from '../registry/package-source.ts';
import { type InferAnswer, type InferEvent, type InferItem, type ItemAnswer, maxPayloadBytes } from './infer-event.ts';
import type { ModelHost, ModelSource } from './model-host.ts';

/** Room for the parts of an answer that are not its body. */
const envelopeBytes = 1024;

/** Runs what the event asks for. Every failure becomes an answer: an exception would end as an anonymous FunctionError. */
export async function answerInferEvent(
  event: InferEvent,
  host: ModelHost,
  readArtifact: (key: string) => Promise<Buffer>,
): Promise<InferAnswer> {
  try {
    const source = packageSource(event.manifest, readArtifact);
    if (event.operation === 'describe') return await host.describe(source, event.deadline);
    if (event.operation === 'unload') return { unloaded: await host.unload(source.id) };
    const answers = event.requests.map((item) => answerItem(item, event.manifest, source, host).catch(renderFailure));
    return { answers: withinLimit(await Promise.all(answers)) };
  } catch (error) {
    return renderFailure(error);
  }
}

async function answerItem(
  { body, headerLength, deadline }: InferItem,
  { name, version }: ModelManifest,
  source: ModelSource,
  host: ModelHost,
): Promise<ItemAnswer> {
  const request = decodeInferRequest(joinBase64(body), headerLength);
  const { outputs, timings } = await host.infer(source, request, deadline).catch(async (error: unknown) => {
    // The caller has left, but the function is not free: Lambda would freeze it in the middle of the run, and wake it
    // for somebody else. A model that never ends is ended by the function's own time-out.
    if (error instanceof ServiceError && error.code === 'deadline_exceeded') await host.runEnded(source.id);
    throw error;
  });
  const response = { model_name: name, model_version: version, outputs };
  // Before they are copied: outputs of gigabytes would not fit twice.
  checkSize(countResponseBytes(response));
  return { ...encodeInferResponse(response), timings };
}

/** What does not fit behind the answers before it is asked for again, and then comes alone. */
function withinLimit(answers: readonly ItemAnswer[]): ItemAnswer[] {
  let bytes = 0;
  return answers.map((answer) => {
    bytes += 'body' in answer ? answer.body.length + envelopeBytes : envelopeBytes;
    return bytes <= maxPayloadBytes ? answer : { again: true };
  });
}

function renderFailure(error: unknown): { error: { code: ServiceError['code']; message: string } } {
  const { code, message, cause, retryAfterSeconds } = toServiceError(error);
  if (cause !== undefined) log('error', message, { errorCode: code, error: describeError(cause) });
  return { error: { code, message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } };
}

function checkSize(bytes: number): void {
  const limit = maxPayloadBytes - envelopeBytes;
  if (bytes <= limit) return;
  const advice = 'ask for fewer outputs or rows, or host the model on SageMaker';
  throw new ServiceError(
    'payload_too_large',
    `the outputs have ${bytes} bytes; the CPU host returns ${limit}: ${advice}`,
  );
}
