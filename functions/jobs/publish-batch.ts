import { createHash } from 'node:crypto';
import * as z from 'zod';
import { splitLines } from '../datasets/split-lines.ts';
import { errorCodes, ServiceError } from '../errors.ts';
import { type Batch, batches, batchFileId, jobOf } from '../files/batch.ts';
import { readOwned } from '../files/owned-records.ts';
import { enterFile } from '../files/stored-file.ts';
import { renderOpenaiError } from '../http/render-error.ts';
import { parseExactJson } from '../parse-exact-json.ts';
import type { Services } from '../services.ts';
import { fileKey, resultKey } from '../storage/object-keys.ts';
import { type ErrorLine, errorLineSchema, resultLineSchema } from './result-lines.ts';
import { resultsManifestSchema } from './results-manifest.ts';

type Effects = Pick<
  Services,
  'readRecord' | 'writeRecord' | 'readData' | 'findData' | 'streamData' | 'writeDataStream'
>;

/** A batch whose job has ended is to get its files. */
const messageSchema = z.object({ publish: z.object({ owner: z.string(), batch: z.string() }) });

/** Undefined: the message is another one. */
export function readPublishMessage(body: string): { owner: string; batch: string } | undefined {
  return messageSchema.safeParse(JSON.parse(body)).data?.publish;
}

/**
 * Writes the output and error files of a batch whose job has ended, in OpenAI's form, and says so in its record. Done
 * twice, at once or one after the other, it is the same.
 */
export async function publishBatch(
  { owner, batch: id }: { owner: string; batch: string },
  effects: Effects,
): Promise<void> {
  const batch = await readOwned(batches, owner, id, effects).catch(() => undefined);
  if (!batch || batch.publishedAt !== undefined) return;
  const body = await effects.readData(resultKey(jobOf(batch), 'manifest.json'));
  if (!body) return;
  const { parts, errors } = resultsManifestSchema.parse(JSON.parse(body.toString('utf8')));
  const answered = parts.filter(({ records }) => records > 0).map(({ key }) => key);
  const outputFile = await publish(owner, batch, { kind: 'output', keys: answered, toLine: renderResult }, effects);
  const failed = errors === undefined ? [] : [errors];
  const errorFile = await publish(owner, batch, { kind: 'errors', keys: failed, toLine: renderFailure }, effects);
  const published = { ...batch, revision: batch.revision + 1, publishedAt: Math.floor(Date.now() / 1000) };
  // Another delivery, or a cancellation, may be faster; the next poll asks again.
  await effects.writeRecord('BATCH', owner, {
    ...published,
    ...(outputFile !== undefined && { outputFile }),
    ...(errorFile !== undefined && { errorFile }),
  } as Batch);
}

/** Undefined: there are no such lines, so there is no file. */
async function publish(
  owner: string,
  batch: Batch,
  { kind, keys, toLine }: { kind: 'output' | 'errors'; keys: readonly string[]; toLine: (line: string) => object },
  effects: Effects,
): Promise<string | undefined> {
  if (keys.length === 0) return undefined;
  const id = batchFileId(batch, kind);
  const expiresAfter = batch.outputExpiresAfter;
  async function* lines(): AsyncGenerator<Buffer> {
    for (const key of keys) {
      const chunks = await effects.streamData(key);
      if (!chunks) throw new Error(`${key} was removed`);
      for await (const { bytes } of splitLines(chunks)) {
        if (bytes.length > 0) yield Buffer.from(`${JSON.stringify(toLine(bytes.toString('utf8')))}\n`);
      }
    }
  }
  const condition = { contentType: 'application/jsonl' };
  await effects.writeDataStream(fileKey(owner, id, expiresAfter !== undefined), lines(), condition);
  const filename = `${batch.id}_${kind === 'output' ? 'output' : 'error'}.jsonl`;
  await enterFile(owner, id, { filename, purpose: 'batch_output', expiresAfter }, effects);
  return id;
}

function renderResult(line: string): object {
  const { custom_id, output } = resultLineSchema.parse(parseExactJson(line));
  return { id: requestId(line), custom_id, response: output, error: null };
}

/** As the path would have answered it. */
function renderFailure(line: string): object {
  const { custom_id, error }: ErrorLine = errorLineSchema.parse(JSON.parse(line));
  const code = Object.hasOwn(errorCodes, error.code) ? (error.code as keyof typeof errorCodes) : 'internal';
  const failure = new ServiceError(code, error.message);
  const id = requestId(line);
  const response = { status_code: failure.status, request_id: id, body: renderOpenaiError(failure) };
  return { id, custom_id, response, error: null };
}

/** The same whenever the file is written. */
function requestId(line: string): string {
  return `batch_req_${createHash('sha256').update(line).digest('hex').slice(0, 32)}`;
}
