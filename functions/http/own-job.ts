import { ServiceError } from '../errors.ts';
import type { JobRequest } from '../jobs/job.ts';
import type { Services } from '../services.ts';
import { parseFileKey, parseJobKey } from '../storage/object-keys.ts';
import type { HttpRequest } from './http.ts';

/** The table refuses keys beyond 1,024 bytes. */
const maxNameLength = 200;

/**
 * `name`, if it is that of a job which the request may be about: for a key those that it owns are there, and no others.
 * Where no keys are asked for, all are. Throws not_found.
 */
export async function findOwnJob(
  name = '',
  { apiKey }: Pick<HttpRequest, 'apiKey'>,
  { findJob }: Pick<Services, 'findJob'>,
): Promise<string> {
  const fits = name.length <= maxNameLength;
  if (fits && (!apiKey || (await findJob(name))?.owner === apiKey.id)) return name;
  throw new ServiceError('not_found', `there is no job '${name.slice(0, 100)}'${apiKey ? ' of this API key' : ''}`);
}

/** Files of other keys, and what others have asked for, are not there for a key. Throws not_found, as for what is not there. */
export function checkOwnInput({ input }: JobRequest, { apiKey }: Pick<HttpRequest, 'apiKey'>): void {
  if (!apiKey || input === undefined) return;
  const isForeign = input.startsWith('files/') ? parseFileKey(input) !== apiKey.id : parseJobKey(input) !== undefined;
  if (isForeign) throw new ServiceError('not_found', `the data bucket has no '${input}'`);
}
