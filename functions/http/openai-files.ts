import { Readable } from 'node:stream';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { listOwned, readOwned } from '../files/owned-records.ts';
import { filePurposes, keepFile, type StoredFile, storedFiles } from '../files/stored-file.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { parseInput } from './parse-input.ts';
import { formFile, readMultipart } from './read-multipart.ts';

/** API Gateway's limit; Lambda's, of 6 MB in base64, comes first. What is larger is for /v1/uploads. */
const maxBodyBytes = 10_485_760;
/** A larger file is read from S3 itself: the answer is a redirection, which clients follow. */
const maxStreamedBytes = 32 * 2 ** 20;
const redirectSeconds = 300;

const seconds = 'a whole number of seconds from 3600 to 2592000 is needed';
/** When a file ends, in OpenAI's words. */
export const expiresAfter = z
  .object({
    anchor: z.literal('created_at', "'created_at' is needed"),
    seconds: z.coerce.number(seconds).int(seconds).min(3600, seconds).max(2_592_000, seconds),
  })
  .optional();
export const purpose = z.enum(filePurposes, `one of ${filePurposes.join(', ')} is needed`);
const creation = z.object({ file: formFile, purpose, expires_after: expiresAfter });

/** A page of a list, in OpenAI's words. */
export function pageQuery(most: number, otherwise: number) {
  const form = `a whole number from 1 to ${most} is needed`;
  return z.object({
    after: z.string().optional().describe('The last id of the page before.'),
    limit: z.coerce.number(form).int(form).min(1, form).max(most, form).default(otherwise),
  });
}
const listQuery = pageQuery(10_000, 10_000).extend({
  order: z.enum(['asc', 'desc'], "'asc' or 'desc' is needed").default('desc'),
  purpose: z.string().optional(),
});

const shared = { errorFormat: 'openai' } as const;

/** Files. Source: https://github.com/openai/openai-openapi, CreateFileRequest, OpenAIFile, ListFilesResponse. */
export const openaiFileRoutes: readonly Route[] = [
  {
    ...shared,
    method: 'POST',
    path: '/v1/files',
    summary: 'Keeps a file of up to 4.5 MB',
    form: creation,
    maxBodyBytes,
    handle: createFile,
  },
  {
    ...shared,
    method: 'GET',
    path: '/v1/files',
    summary: 'Files of this API key, the newest first',
    query: listQuery,
    handle: listFiles,
  },
  { ...shared, method: 'GET', path: '/v1/files/{file}', summary: 'One file', handle: readFile },
  { ...shared, method: 'GET', path: '/v1/files/{file}/content', summary: 'What is in a file', handle: readContent },
  { ...shared, method: 'DELETE', path: '/v1/files/{file}', summary: 'Removes a file', handle: removeFile },
];

/** Whose files a request is about: keys see their own alone. */
export function ownerOf({ apiKey }: HttpRequest): string {
  return apiKey?.id ?? 'anonymous';
}

async function createFile(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { file, purpose, expires_after } = await readMultipart(request, creation);
  const description = { filename: file.filename, purpose, expiresAfter: expires_after?.seconds };
  return { status: 200, body: renderFile(await keepFile(ownerOf(request), file.bytes, description, services)) };
}

async function listFiles(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { after, limit, order, purpose } = parseInput(listQuery, request.query);
  const page = { after, limit, descending: order === 'desc' };
  const wanted = (file: StoredFile) => purpose === undefined || file.purpose === purpose;
  const { records, more } = await listOwned(storedFiles, ownerOf(request), page, services, wanted);
  return { status: 200, body: renderList(records.map(renderFile), more) };
}

/** A list with the ids that lead to the next page; of an empty one they are empty. */
export function renderList(data: readonly { id: string }[], more: boolean): object {
  return { object: 'list', data, first_id: data[0]?.id ?? '', last_id: data.at(-1)?.id ?? '', has_more: more };
}

async function find(request: HttpRequest, services: Services): Promise<StoredFile> {
  return await readOwned(storedFiles, ownerOf(request), request.parameters.file ?? '', services);
}

async function readFile(request: HttpRequest, services: Services): Promise<HttpResponse> {
  return { status: 200, body: renderFile(await find(request, services)) };
}

async function readContent(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { key, etag, bytes } = await find(request, services);
  if (bytes > maxStreamedBytes) {
    return { status: 302, headers: { location: await services.presignData('GET', key, redirectSeconds) } };
  }
  const content = await services.streamData(key, { etag });
  if (!content) throw new ServiceError('not_found', 'the content of the file is gone');
  const headers = { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' };
  return { status: 200, headers, body: Readable.from(content, { objectMode: false }) };
}

/** The record first: a file that is listed has its content. */
async function removeFile(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { id, key, etag } = await find(request, services);
  await services.removeRecord('FILE', ownerOf(request), id);
  await services.removeData(key, etag);
  return { status: 200, body: { id, object: 'file', deleted: true } };
}

export function renderFile({ id, filename, purpose, bytes, createdAt, expiresAt }: StoredFile) {
  return {
    ...{ id, object: 'file', bytes, created_at: createdAt },
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...{ filename, purpose, status: 'processed' },
  };
}
