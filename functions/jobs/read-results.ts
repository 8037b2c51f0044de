import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { resultKey } from '../storage/object-keys.ts';
import { type ResultsManifest, resultsManifestSchema } from './results-manifest.ts';

type Effects = Pick<Services, 'findJob' | 'readData' | 'findData' | 'streamData'>;

/** What the API can stream in one answer: Lambda ends it at 200 MB. */
const maxAnswerBytes = 200_000_000;

/** Lines of results in the order of the input, of all parts or of one. Throws not_found, conflict, payload_too_large. */
export async function readResults(
  name: string,
  chunk: number | undefined,
  effects: Effects,
): Promise<AsyncGenerator<Uint8Array>> {
  const { parts } = await readManifest(name, effects);
  const wanted = chunk === undefined ? parts : parts.filter((part) => part.chunk === chunk);
  if (chunk !== undefined && wanted.length === 0) {
    throw new ServiceError('not_found', `job ${name} has no part ${chunk}; its manifest.json lists ${parts.length}`);
  }
  const bytes = wanted.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes > maxAnswerBytes) {
    const way = `ask for them part by part (?part=0 …), or copy results/${name}/ from the data bucket`;
    throw new ServiceError(
      'payload_too_large',
      `the results have ${bytes} bytes, and one answer ${maxAnswerBytes}: ${way}`,
    );
  }
  return stream(
    wanted.map(({ key }) => key),
    effects,
  );
}

/** Lines of the records that have failed; none where all have succeeded. Throws as readResults does. */
export async function readErrors(name: string, effects: Effects): Promise<AsyncGenerator<Uint8Array>> {
  const { errors } = await readManifest(name, effects);
  const size = errors === undefined ? 0 : ((await effects.findData(errors))?.size ?? 0);
  if (size > maxAnswerBytes) {
    const message = `the errors have ${size} bytes, and one answer ${maxAnswerBytes}: copy ${errors} from the data bucket`;
    throw new ServiceError('payload_too_large', message);
  }
  return stream(errors === undefined ? [] : [errors], effects);
}

async function readManifest(name: string, { findJob, readData }: Effects): Promise<ResultsManifest> {
  const job = await findJob(name);
  if (!job) throw new ServiceError('not_found', `there is no job '${name.slice(0, 100)}'`);
  const body = job.finishedAt === undefined ? undefined : await readData(resultKey(name, 'manifest.json'));
  if (body) return resultsManifestSchema.parse(JSON.parse(body.toString('utf8')));
  throw new ServiceError('conflict', `job ${name} is ${job.status}: its results can be read when it has ended`);
}

async function* stream(keys: readonly string[], { streamData }: Effects): AsyncGenerator<Uint8Array> {
  for (const key of keys) {
    const body = await streamData(key);
    if (!body) throw new ServiceError('not_found', `'${key}' was removed`);
    yield* body;
  }
}
