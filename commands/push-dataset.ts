import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { glob, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseDefinition } from '../functions/datasets/dataset-definition.ts';
import { type PreparedManifest, preparedManifestSchema } from '../functions/datasets/prepared-manifest.ts';
import type { Services } from '../functions/services.ts';
import { modelNamePattern, preparedKey, rawKey } from '../functions/storage/object-keys.ts';

type Effects = Pick<Services, 'findData' | 'readData' | 'writeData' | 'writeDataStream'>;

/** Larger files are sent in parts. */
const wholeBytes = 8 * 2 ** 20;
const uploadsAtOnce = 8;
const pollMilliseconds = 500;

export interface PushedDataset {
  readonly name: string;
  readonly manifest: PreparedManifest;
}

/**
 * Uploads a folder with a dataset.json to `raw/<name>/`, that file last, and waits for what is made of it. What is there already
 * is passed over. Throws an Error with the reason where it cannot be prepared.
 */
export async function pushDataset(
  folder: string,
  effects: Effects,
  {
    name = basename(resolve(folder)),
    onUpload = () => {},
  }: { name?: string; onUpload?: (done: number, of: number) => void } = {},
): Promise<PushedDataset> {
  if (!modelNamePattern.test(name)) {
    throw new Error(
      `'${name}' is no name of a data set: small letters, digits, '.', '_' and '-' are; --name gives another`,
    );
  }
  const definition = await readFile(join(folder, 'dataset.json')).catch(() => undefined);
  if (!definition) throw new Error(`${folder} has no dataset.json; docs/datasets.md says what is in it`);
  parseDefinition(definition);
  const files = await listFiles(folder);
  let done = 0;
  const waiting = files.values();
  const uploader = async () => {
    for (const path of waiting) {
      await upload(join(folder, path), rawKey(name, path.split(sep).join('/')), effects);
      onUpload(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: uploadsAtOnce }, uploader));
  const before = await outcomes(name, effects);
  await replace(rawKey(name, 'dataset.json'), definition, effects);
  return { name, manifest: await waitForOutcome(name, before, effects) };
}

/** Paths within the folder; hidden files and dataset.json are none of them. */
async function listFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of glob('**', { cwd: folder, withFileTypes: true })) {
    const path = relative(resolve(folder), join(entry.parentPath, entry.name));
    if (entry.isFile() && path !== 'dataset.json' && !path.split(sep).some((part) => part.startsWith('.')))
      paths.push(path);
  }
  return paths.sort();
}

async function upload(file: string, key: string, effects: Effects): Promise<void> {
  const { size } = await stat(file);
  const current = await effects.findData(key);
  if (size <= wholeBytes) {
    const bytes = await readFile(file);
    // The ETag of an object that was sent at once.
    const digest = createHash('md5').update(bytes).digest('hex');
    if (current?.etag !== `"${digest}"`) await replace(key, bytes, effects);
    return;
  }
  const condition = current ? { replaces: current.etag } : {};
  const isWritten = await effects.writeDataStream(key, createReadStream(file), {
    ...condition,
    contentType: 'application/octet-stream',
  });
  if (!isWritten) throw new Error(`${key} was written by somebody else meanwhile`);
}

async function replace(key: string, bytes: Uint8Array, effects: Effects): Promise<void> {
  const current = await effects.findData(key);
  const condition = current ? { replaces: current.etag } : {};
  const isWritten = await effects.writeData(key, bytes, { ...condition, contentType: 'application/octet-stream' });
  if (!isWritten) throw new Error(`${key} was written by somebody else meanwhile`);
}

/** What earlier uploads have come to. */
async function outcomes(name: string, effects: Effects): Promise<(string | undefined)[]> {
  const keys = ['manifest.json', 'error.json'].map((path) => preparedKey(name, path));
  return (await Promise.all(keys.map((key) => effects.findData(key)))).map((object) => object?.etag);
}

async function waitForOutcome(
  name: string,
  before: readonly (string | undefined)[],
  effects: Effects,
): Promise<PreparedManifest> {
  for (;;) {
    const [manifest, error] = await outcomes(name, effects);
    if (error !== undefined && error !== before[1]) throw new Error(await readReason(name, effects));
    if (manifest !== undefined && manifest !== before[0]) {
      const bytes = await effects.readData(preparedKey(name, 'manifest.json'));
      return preparedManifestSchema.parse(JSON.parse(String(bytes)));
    }
    await wait(pollMilliseconds);
  }
}

async function readReason(name: string, effects: Effects): Promise<string> {
  const body = JSON.parse(String(await effects.readData(preparedKey(name, 'error.json')))) as {
    error?: { message?: string };
  };
  return `${name} cannot be prepared: ${body.error?.message ?? 'no reason was kept'}`;
}
