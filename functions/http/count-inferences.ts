import { type ErrorCode, toServiceError } from '../errors.ts';
import type { GenerationEvent } from '../generation/generation.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';
import type { InferTimings, Services } from '../services.ts';
import { type FailureReason, type Inference, ModelStatistics } from './model-statistics.ts';

/** What this instance has counted since it started. */
export const statistics = new ModelStatistics();

/** The same services, whose runs of models are counted, whichever API asked for them. */
export function countInferences(
  services: Services,
  onInference: (model: ModelVersion, inference: Inference) => void = () => {},
): Services {
  const start = (model: ModelVersion, rows: number) => {
    const startedAt = performance.now();
    return (outcome: { timings?: InferTimings | undefined; failed?: FailureReason }) => {
      const durationMs = performance.now() - startedAt;
      const inference = { endedAt: Date.now(), durationMs, rows, ...outcome };
      statistics.add(model.manifest.name, model.manifest.version, inference);
      onInference(model, inference);
    };
  };
  return {
    ...services,
    async infer(model, request, deadline) {
      const rows = model.manifest.maxBatchSize > 0 ? (request.inputs[0]?.shape[0] ?? 1) : 1;
      const end = start(model, rows);
      try {
        const result = await services.infer(model, request, deadline);
        end({ timings: result.timings });
        return result;
      } catch (error) {
        end({ failed: reasonOf(error) });
        throw error;
      }
    },
    async *generate(model, request, deadline): AsyncGenerator<GenerationEvent> {
      const end = start(model, 1);
      // Whoever stops before the end, stops the model.
      let outcome: Parameters<typeof end>[0] = { failed: 'CANCELED' };
      try {
        for await (const event of services.generate(model, request, deadline)) {
          if (event.kind === 'end') outcome = {};
          yield event;
        }
      } catch (error) {
        outcome = { failed: reasonOf(error) };
        throw error;
      } finally {
        end(outcome);
      }
    },
  };
}

const reasons: Partial<Record<ErrorCode, FailureReason>> = {
  throttled: 'REJECTED',
  model_not_ready: 'REJECTED',
  model_rejected_input: 'BACKEND',
  model_failed: 'BACKEND',
  host_unavailable: 'BACKEND',
};

function reasonOf(error: unknown): FailureReason {
  return reasons[toServiceError(error).code] ?? 'OTHER';
}
