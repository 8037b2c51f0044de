import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { isForLlmHostAlone } from './check-files.ts';
import type { HostName } from './model-manifest.ts';

type Effects = Pick<Services, 'readRegistration' | 'updateModelEntry'>;

/** Serves a READY version from another host. Throws model_not_found, and conflict where it cannot be served there. */
export async function changeHost(
  { name, version, host }: { name: string; version: string; host: HostName },
  effects: Effects,
): Promise<void> {
  const registration = await effects.readRegistration(name, version);
  if (registration?.status !== 'READY') {
    throw new ServiceError('model_not_found', `model ${name} has no READY version '${version}'`);
  }
  if (host === 'sagemaker' && registration.withoutArchive !== undefined) {
    throw new ServiceError('conflict', `version ${version} of ${name} has no archive: ${registration.withoutArchive}`);
  }
  if (host === 'lambda' && registration.model && isForLlmHostAlone(registration.model.manifest)) {
    throw new ServiceError('conflict', `version ${version} of ${name} has no graph that the CPU host could run`);
  }
  await effects.updateModelEntry(name, (entry) => ({ ...entry, hosts: { ...entry.hosts, [version]: host } }));
}
