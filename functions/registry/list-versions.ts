import type { Services } from '../services.ts';
import { modelFileKey, modelNamePattern, modelVersionPattern } from '../storage/object-keys.ts';
import type { Registration } from './model-manifest.ts';

/** How far a version has come. REGISTERED: its model.json has arrived, and its turn to be validated has not come. */
export type VersionState =
  | Registration
  | (Pick<Registration, 'name' | 'version' | 'registeredAt'> & { readonly status: 'REGISTERED' });

type Effects = Pick<Services, 'findArtifact' | 'listRegistrations' | 'listUploadedVersions' | 'readRegistration'>;

/** All versions of a model whose model.json was ever uploaded, by name. */
export async function listVersions(name: string, effects: Effects): Promise<VersionState[]> {
  if (!modelNamePattern.test(name)) return [];
  // In this order: a version that moves on meanwhile is in one of the two.
  const uploaded = await effects.listUploadedVersions(name);
  const registrations = await effects.listRegistrations(name);
  const known = new Set(registrations.map(({ version }) => version));
  const waiting = uploaded.filter((version) => modelVersionPattern.test(version) && !known.has(version));
  const states = await Promise.all(waiting.map((version) => readWaiting(name, version, effects)));
  return [...registrations, ...states.filter((state) => state !== undefined)].sort((a, b) =>
    a.version < b.version ? -1 : 1,
  );
}

/** Undefined: its model.json was not uploaded. */
export async function readVersion(name: string, version: string, effects: Effects): Promise<VersionState | undefined> {
  return (await effects.readRegistration(name, version)) ?? (await readWaiting(name, version, effects));
}

async function readWaiting(
  name: string,
  version: string,
  { findArtifact }: Pick<Services, 'findArtifact'>,
): Promise<VersionState | undefined> {
  const found = await findArtifact(modelFileKey(name, version, 'model.json'));
  return found && { name, version, status: 'REGISTERED', registeredAt: found.uploadedAt };
}
