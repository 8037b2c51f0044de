import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';

/** Makes a job that of an API key: it, and no other, sees the job over HTTPS from now on. Throws not_found. */
export async function giveJob(
  name: string,
  owner: string,
  { listApiKeys, updateJob, enlistJob }: Pick<Services, 'listApiKeys' | 'updateJob' | 'enlistJob'>,
): Promise<void> {
  if (!(await listApiKeys()).some(({ id, revokedAt }) => id === owner && !revokedAt)) {
    throw new ServiceError('not_found', `there is no active key with the id '${owner}': npm run keys -- list`);
  }
  const job = await updateJob(name, (current) => current && { ...current, owner });
  if (!job) throw new ServiceError('not_found', `there is no job '${name.slice(0, 100)}'`);
  await enlistJob(job);
}
