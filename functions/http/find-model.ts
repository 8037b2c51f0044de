import { ServiceError } from '../errors.ts';
import { chooseVersion, defaultAlias } from '../registry/model-entry.ts';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { HttpRequest } from './http.ts';

/**
 * The READY version that a request means: `version` where the path has one, else what the alias in `<model>@<alias>`
 * points at, else `production`. `caller` keeps to one version of a split alias. Throws model_not_found, model_not_ready.
 */
export async function findModel(
  reference: string,
  version: string | undefined,
  services: Pick<Services, 'readModelEntry' | 'readModel'>,
  caller = '',
): Promise<Model> {
  const [name = '', alias = defaultAlias, ...rest] = reference.split('@');
  if (rest.length > 0)
    throw new ServiceError('invalid_request', `'${reference.slice(0, 100)}' is neither <model> nor <model>@<alias>`);
  if (version !== undefined) {
    if (!reference.includes('@')) return await findVersion(name, version, services);
    throw new ServiceError(
      'invalid_request',
      `'${reference.slice(0, 100)}' names an alias and the path a version: use one of them`,
    );
  }
  const entry = await services.readModelEntry(name);
  const aliased = chooseVersion(entry, alias, caller);
  if (aliased !== undefined) return await services.readModel(name, aliased);
  const known = Object.keys(entry.aliases).join(', ') || 'none';
  throw new ServiceError('model_not_found', `model ${name} has no alias '${alias.slice(0, 100)}'; it has: ${known}`);
}

async function findVersion(
  name: string,
  version: string,
  services: Pick<Services, 'readModelEntry' | 'readModel'>,
): Promise<Model> {
  const model = await services.readModel(name, version);
  const { deleted } = await services.readModelEntry(name);
  if (!deleted?.includes(version)) return model;
  throw new ServiceError('model_not_found', `version '${version}' of model '${name}' was deleted`);
}

/** Whose requests go to one version of a split alias: the end user's that the caller names, else the key's. */
export function callerOf({
  headers,
  apiKey,
  requestId,
}: Pick<HttpRequest, 'headers' | 'apiKey' | 'requestId'>): string {
  const user = headers['x-lambent-user'];
  return user === undefined ? (apiKey?.id ?? requestId) : `${apiKey?.id ?? ''}/${user}`;
}
