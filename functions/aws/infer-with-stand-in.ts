import { ServiceError } from '../errors.ts';
import type { GenerationEvent, GenerationRequest } from '../generation/generation.ts';
import type { InferRequest } from '../inference/protocol.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';
import type { InferResult, Services } from '../services.ts';
import type { GenerateOn, Patience } from './host-stream.ts';

/** Of the time that a request has, this much is kept for the host that stands in. */
const reservedShare = 0.3;

type Host = Pick<Services, 'infer'>;

/**
 * The GPU host's answer; where it is cold, missing or failing, and the package allows it, the CPU host's, which then says
 * so in `servedBy`. A request that the model refuses is not asked twice.
 */
export async function inferWithStandIn(
  gpu: Host,
  cpu: Host,
  { model, request, deadline }: { model: ModelVersion; request: InferRequest; deadline: number },
): Promise<InferResult> {
  if (!model.manifest.standIn) return await gpu.infer(model, request, deadline);
  try {
    const reserved = Math.round(reservedShare * Math.max(0, deadline - Date.now()));
    return await gpu.infer(model, request, deadline - reserved);
  } catch (error) {
    if (!isReplaceable(error)) throw error;
    return { ...(await cpu.infer(model, request, deadline)), servedBy: 'lambda' };
  }
}

/**
 * The LLM host's text, or as above the CPU host's, which then says so in its first event. Once a text has begun no other
 * host can go on with it.
 */
export async function* generateWithStandIn(
  llm: GenerateOn,
  cpu: GenerateOn,
  model: ModelVersion,
  request: GenerationRequest,
  patience: Patience,
): AsyncGenerator<GenerationEvent> {
  if (!model.manifest.standIn) return yield* llm(model, request, patience);
  let begun = false;
  try {
    const reserved = Math.round(reservedShare * Math.max(0, patience.deadline - Date.now()));
    for await (const event of llm(model, request, { ...patience, firstBy: patience.deadline - reserved })) {
      begun = true;
      yield event;
    }
    return;
  } catch (error) {
    if (begun || patience.signal?.aborted || !isReplaceable(error)) throw error;
  }
  yield { kind: 'served', by: 'lambda' };
  yield* cpu(model, request, patience);
}

function isReplaceable(error: unknown): boolean {
  return error instanceof ServiceError && (error.retryable || error.code === 'model_failed');
}
