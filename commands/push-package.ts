import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type ModelManifest, modelManifestSchema, type Registration } from '../functions/registry/model-manifest.ts';
import type { Services } from '../functions/services.ts';
import { modelFileKey } from '../functions/storage/object-keys.ts';
import { deriveManifest, type PushOptions } from './derive-manifest.ts';
import { hashFile, type PackageFolder, readPackageFolder } from './read-package-folder.ts';

type Effects = Pick<
  Services,
  | 'listModelEntries'
  | 'writeArtifact'
  | 'readArtifact'
  | 'readRegistration'
  | 'findArtifact'
  | 'uploadArtifact'
  | 'replaceArtifact'
>;

/** Milliseconds between two looks at the registration, and until the wait for one that is not under way is given up. */
const pollMilliseconds = 100;
const patienceMilliseconds = 300_000;
/** Longer than a message waits until it comes again, with the attempt before it. */
const abandonedMilliseconds = 900_000;

/** Told about the way of a push. */
export interface PushReport {
  /** `sent` of `total` bytes of all files have arrived. */
  progress(sent: number, total: number): void;
  leftOut(files: readonly string[]): void;
  /** Its validation has begun once more. */
  again(): void;
}

/**
 * Makes a package of `path`, uploads it, model.json last, and waits until it is registered. What an interrupted push has
 * uploaded is not uploaded again. A version that is there already with the same content is left as it is; with other
 * content it is refused, since a version never changes, unless it was FAILED. Where nothing is known of what was uploaded,
 * because the message that told of it was lost or the table is a new one, it is told again.
 */
export async function pushPackage(
  path: string,
  effects: Effects,
  options: PushOptions = {},
  report?: PushReport,
): Promise<Registration> {
  const folder = readPackageFolder(path);
  const manifest = await deriveManifest(folder, options);
  const { name, version } = manifest;
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const before = await effects.readRegistration(name, version);
  const key = modelFileKey(name, version, 'model.json');
  if (before?.status !== 'READY') {
    report?.leftOut(folder.leftOut.filter((file) => !Object.hasOwn(manifest.files, file)));
    await refuseOther(key, manifest, before, effects);
    await uploadFiles(folder, manifest, effects, report);
  }
  if (isOver(before) || !(await effects.writeArtifact(key, Buffer.from(text)))) {
    await refuseOther(key, manifest, before, effects);
    if (isOver(before) || !before) await effects.replaceArtifact(key, Buffer.from(text));
  }
  const registration = await waitForRegistration(manifest, effects, before, report);
  // The registry keeps no golden cases.
  return registration.model ? { ...registration, model: { ...registration.model, manifest } } : registration;
}

/** Nothing more comes of this registration: it was refused, or ended so long ago that no message wakes it again. */
function isOver(before: Registration | undefined): boolean {
  if (before?.status !== 'VALIDATING') return before?.status === 'FAILED';
  return Date.now() - Date.parse(before.startedAt) > abandonedMilliseconds;
}

/** Before anything is written: the files of a version that is READY or on its way stay what they are. */
async function refuseOther(
  key: string,
  manifest: ModelManifest,
  before: Registration | undefined,
  effects: Effects,
): Promise<void> {
  if (isOver(before) || !(await effects.findArtifact(key))) return;
  const there = modelManifestSchema.safeParse(JSON.parse((await effects.readArtifact(key)).toString('utf8')));
  if (isDeepStrictEqual(there.data, manifest)) return;
  const { name, version, host } = manifest;
  if (isDeepStrictEqual({ ...there.data, host }, manifest)) {
    throw new Error(`${name} ${version} is there: npm run models -- host ${name} ${version} ${host}`);
  }
  throw new Error(`${name} ${version} was pushed before with other content: choose another with --version`);
}

async function uploadFiles(folder: PackageFolder, manifest: ModelManifest, effects: Effects, report?: PushReport) {
  const files = Object.entries(manifest.files);
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  let sent = 0;
  const onProgress = (bytes: number) => {
    sent += bytes;
    report?.progress(sent, total);
  };
  for (const [path, { sha256, size }] of files) {
    const location = folder.locate(path);
    const found = await hashFile(location);
    if (found.sha256 !== sha256 || found.size !== size) throw new Error(`${location} is not what model.json says`);
    const key = modelFileKey(manifest.name, manifest.version, path);
    const there = await effects.findArtifact(key);
    if (there?.sha256 === sha256 && there.size === size) {
      onProgress(size);
      continue;
    }
    const file = await open(location);
    const read = async (offset: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    await effects.uploadArtifact(key, { size, sha256, read }, onProgress).finally(() => file.close());
  }
}

/** `before`: what was known before the push, a refusal that this one may overcome. */
async function waitForRegistration(
  { name, version }: ModelManifest,
  effects: Effects,
  before: Registration | undefined,
  report?: PushReport,
): Promise<Registration> {
  let end = Date.now() + patienceMilliseconds;
  let begun: string | undefined;
  while (Date.now() < end) {
    const registration = await effects.readRegistration(name, version);
    const old = isOver(before) && registration?.startedAt === before?.startedAt;
    if (registration?.status === 'VALIDATING' && !isOver(registration)) {
      if (begun !== undefined && begun !== registration.startedAt) report?.again();
      begun = registration.startedAt;
      end = Date.now() + patienceMilliseconds;
    }
    if (!old && registration?.status === 'FAILED') return registration;
    if (registration?.status === 'READY' && (await isListed(registration, effects))) return registration;
    await delay(pollMilliseconds);
  }
  throw new Error(
    `${name} ${version} was uploaded but not registered within ${patienceMilliseconds / 1000} s: npm run models -- show ${name}`,
  );
}

/** A version is served once the entry of its model has it, the last step of its registration. */
async function isListed({ name, version }: Registration, effects: Effects): Promise<boolean> {
  const entry = (await effects.listModelEntries()).find((one) => one.name === name);
  if (entry?.deleted?.includes(version))
    throw new Error(`${name} ${version} was deleted: choose another with --version`);
  return entry?.versions.includes(version) ?? false;
}
