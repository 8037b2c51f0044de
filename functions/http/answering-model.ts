import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { Infer } from '../tasks/task.ts';
import type { HttpRequest } from './http.ts';

/**
 * Runs `model` for one request. `headers` are those of its answer: the version that gave it and, once it has run, the host
 * that stood in for another.
 */
export function answeringModel(
  model: Model,
  { deadline }: Pick<HttpRequest, 'deadline'>,
  services: Pick<Services, 'infer'>,
): { infer: Infer; headers: Record<string, string> } {
  const headers: Record<string, string> = { 'x-lambent-model-version': model.manifest.version };
  const infer: Infer = async (tensors) => {
    const { response, servedBy } = await services.infer(model, tensors, deadline);
    if (servedBy) headers['x-lambent-served-by'] = servedBy;
    return response;
  };
  return { infer, headers };
}
