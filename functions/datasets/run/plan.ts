import { createHash } from 'node:crypto';
import { ServiceError } from '../../errors.ts';
import { replaceOlder } from '../../replace-older.ts';
import type { ListedObject } from '../../services.ts';
import { modelNamePattern, rawKey } from '../../storage/object-keys.ts';
import { parseDefinition } from '../dataset-definition.ts';
import { type FileRole, pathClassifier } from '../read/classify-path.ts';
import type { FilesUnit, Member } from '../read/unit.ts';
import { groupMembers } from '../scan/group-members.ts';
import { type Effects, type Run, runKey, stages, toJson, type Work } from './run.ts';
import type { ScanLine } from './scan-item.ts';
import { beginStage, resumeStage } from './stages.ts';

/** Changes where the same uploads would be prepared otherwise. */
const preparation = 1;
const maxDefinitionBytes = 2 ** 20;
const maxObjects = 2_000_000;

/** The upload of a dataset.json. */
export interface DefinitionUpload {
  readonly dataset: string;
  readonly versionId: string;
  readonly sequencer: string;
  readonly uploadedAt: string;
}

type Worker = Pick<Run, 'effects' | 'deadline' | 'now' | 'owner'>;

/**
 * Reads dataset.json, lists what was uploaded and begins the run. Gives the run, or undefined where another upload of dataset.json
 * has taken its place. Throws invalid_request for a dataset.json that cannot work.
 */
export async function planRun(upload: DefinitionUpload, worker: Worker): Promise<Work | undefined> {
  const { effects } = worker;
  const { dataset } = upload;
  const key = rawKey(dataset, 'dataset.json');
  const object = await effects.findData(key);
  if (!object || (object.versionId ?? '') !== upload.versionId) return undefined;
  if (!modelNamePattern.test(dataset)) {
    throw new ServiceError(
      'invalid_request',
      `'${dataset}' is no name of a data set: up to 63 small letters, digits, '.', '_' and '-' are`,
    );
  }
  if (object.size > maxDefinitionBytes) throw new ServiceError('invalid_request', 'dataset.json has more than 1 MiB');
  const bytes = await effects.readData(key);
  if (!bytes) return undefined;
  const definition = parseDefinition(bytes);
  const hashes = { definition: sha256(bytes), raw: await digestRaw(dataset, effects) };
  const run = sha256(`${preparation}\n${hashes.definition}\n${hashes.raw}`).slice(0, 16);
  const { sequencer, uploadedAt: createdAt } = upload;
  const work: Work = { dataset, run, stage: 'scan' };
  await effects.writeData(runKey(work, 'run.json'), toJson({ definition, hashes }), {});
  await replaceOlder(runKey(work, 'upload.json'), toJson({ sequencer, createdAt, etag: object.etag }), upload, effects);
  await beginOrResume({ ...worker, work, definition, hashes });
  return work;
}

async function beginOrResume(run: Run): Promise<void> {
  const isContainer = (line: string) => line.startsWith('{"container"');
  for (const stage of stages.toReversed()) {
    if (await resumeStage(run, stage, stage === 'scan' ? isContainer : undefined)) return;
  }
  const classify = pathClassifier(run.definition);
  await beginStage(run, 'scan', () => scanLines(run.work.dataset, classify, run.effects), isContainer);
}

/** Of all that was uploaded, but for dataset.json, which has a digest of its own. */
async function digestRaw(dataset: string, effects: Effects): Promise<string> {
  const hash = createHash('sha256');
  let objects = 0;
  for await (const { key, etag, size } of rawObjects(dataset, effects)) {
    objects += 1;
    hash.update(`${JSON.stringify([key, etag, size])}\n`);
  }
  if (objects > maxObjects) {
    throw new ServiceError(
      'payload_too_large',
      `${objects} objects were uploaded; ${maxObjects} are allowed: use archives`,
    );
  }
  return hash.digest('hex');
}

async function* rawObjects(dataset: string, effects: Effects): AsyncGenerator<ListedObject & { path: string }> {
  const prefix = rawKey(dataset, '');
  for await (const object of effects.listData(prefix)) {
    const path = object.key.slice(prefix.length);
    // What ends in a slash is a folder as consoles make them.
    if (path !== 'dataset.json' && path !== '' && !path.endsWith('/')) yield { ...object, path };
  }
}

/** First files in groups, then one line for each table and archive. */
async function* scanLines(
  dataset: string,
  classify: (path: string) => FileRole,
  effects: Effects,
): AsyncGenerator<ScanLine> {
  const containers: ScanLine[] = [];
  const files = async function* (): AsyncGenerator<Member> {
    for await (const { path, key, etag, size } of rawObjects(dataset, effects)) {
      const role = classify(path);
      if (role.role === 'table' || role.role === 'archive') {
        containers.push({ container: { key, etag, size, format: role.format, gzip: role.gzip } });
      } else yield { path, size, key, etag };
    }
  };
  const source = rawKey(dataset, '');
  const describe = (members: Member[]): FilesUnit => ({ kind: 'files', container: 'objects', source, members });
  for await (const unit of groupMembers(files(), classify, describe)) yield { unit };
  yield* containers;
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
