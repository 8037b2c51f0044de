import { ServiceError } from '../errors.ts';
import type { InferRequest } from '../inference/protocol.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';
import type { InferResult, Services } from '../services.ts';

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
    if (!(error instanceof ServiceError && (error.retryable || error.code === 'model_failed'))) throw error;
    return { ...(await cpu.infer(model, request, deadline)), servedBy: 'lambda' };
  }
}
