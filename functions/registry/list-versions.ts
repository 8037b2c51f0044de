import { ServiceError } from '../errors.ts';
import type { ModelEntry, Services } from '../services.ts';
import { modelFileKey, modelNamePattern, modelVersionPattern } from '../storage/object-keys.ts';
import type { HostName, Registration } from './model-manifest.ts';

/** How far a version has come. REGISTERED: its model.json has arrived, and its turn to be validated has not come. */
export type VersionState =
  | (Registration & { readonly host?: HostName | undefined })
  | (Pick<Registration, 'name' | 'version' | 'registeredAt'> & { readonly status: 'REGISTERED' });

type Effects = Pick<
  Services,
  'findArtifact' | 'listRegistrations' | 'listUploadedVersions' | 'readModelEntry' | 'readRegistration'
>;

/** All versions of a model whose model.json was uploaded, by name; deleted ones are not among them. */
export async function listVersions(name: string, effects: Effects): Promise<VersionState[]> {
  if (!modelNamePattern.test(name)) return [];
  // In this order: a version that moves on meanwhile is in one of the two.
  const uploaded = await effects.listUploadedVersions(name);
  const registrations = await effects.listRegistrations(name);
  const known = new Set(registrations.map(({ version }) => version));
  const waiting = uploaded.filter((version) => modelVersionPattern.test(version) && !known.has(version));
  const entry = registrations.some(isReady) ? await readEntry(name, effects) : undefined;
  const states = await Promise.all(waiting.map((version) => readWaiting(name, version, effects)));
  return [...registrations.map((one) => toState(one, entry)), ...states]
    .filter((state) => state !== undefined)
    .sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** Undefined: its model.json was not uploaded, or the version was deleted. */
export async function readVersion(name: string, version: string, effects: Effects): Promise<VersionState | undefined> {
  const registration = await effects.readRegistration(name, version);
  if (!registration) return await readWaiting(name, version, effects);
  return toState(registration, isReady(registration) ? await readEntry(name, effects) : undefined);
}

function isReady({ status }: Registration): boolean {
  return status === 'READY';
}

/** A version is served, and only then READY for those who ask, when the entry of its model has it. */
function toState(registration: Registration, entry: ModelEntry | undefined): VersionState | undefined {
  const { name, version, registeredAt, startedAt, model } = registration;
  if (!isReady(registration)) return registration;
  if (entry?.deleted?.includes(version)) return undefined;
  if (!entry?.versions.includes(version)) return { name, version, status: 'VALIDATING', registeredAt, startedAt };
  return { ...registration, host: entry.hosts?.[version] ?? model?.manifest.host };
}

/** Undefined: no version of it was READY yet. */
function readEntry(name: string, effects: Pick<Services, 'readModelEntry'>): Promise<ModelEntry | undefined> {
  return effects.readModelEntry(name).catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'model_not_found') return undefined;
    throw error;
  });
}

async function readWaiting(
  name: string,
  version: string,
  { findArtifact }: Pick<Services, 'findArtifact'>,
): Promise<VersionState | undefined> {
  const found = await findArtifact(modelFileKey(name, version, 'model.json'));
  return found && { name, version, status: 'REGISTERED', registeredAt: found.uploadedAt };
}
