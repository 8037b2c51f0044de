import { logMetrics } from '../log.ts';
import type { ModelVersion } from '../registry/model-manifest.ts';
import type { Inference } from './model-statistics.ts';

/** One inference as metrics of CloudWatch, under the names of what /metrics counts. */
export function logInference(namespace: string, { manifest }: ModelVersion, inference: Inference): void {
  const { rows, durationMs, timings, failed } = inference;
  logMetrics(
    namespace,
    { Model: manifest.name, Version: manifest.version },
    {
      InferenceRequestSuccess: { unit: 'count', value: failed ? 0 : 1 },
      InferenceRequestFailure: { unit: 'count', value: failed ? 1 : 0 },
      ...(!failed && {
        InferenceCount: { unit: 'count', value: rows },
        RequestDuration: { unit: 'milliseconds', value: durationMs },
      }),
      ...(timings && {
        QueueDuration: { unit: 'milliseconds', value: timings.queueNs / 1e6 },
        ComputeInferDuration: { unit: 'milliseconds', value: timings.computeNs / 1e6 },
      }),
    },
  );
}
