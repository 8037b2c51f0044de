import * as z from 'zod';
import {
  addPart,
  cancelUpload,
  completeUpload,
  contentKeyOf,
  createUpload,
  maxUploadBytes,
  type Upload,
  uploadSeconds,
  uploadStatus,
} from '../files/upload.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { expiresAfter, ownerOf, purpose, renderFile } from './openai-files.ts';
import { readJson } from './read-json.ts';
import { formFile, readMultipart } from './read-multipart.ts';

const maxPartBytes = 10_485_760;
const maxBodyBytes = 1_048_576;
const maxParts = 10_000;

const bytesForm = `a whole number of bytes from 1 to ${maxUploadBytes} is needed`;
const creation = z.object({
  filename: z
    .string('a name is needed')
    .min(1, 'a name is needed')
    .max(500, 'a name of 500 characters at most is needed'),
  purpose,
  bytes: z.int(bytesForm).min(1, bytesForm).max(maxUploadBytes, bytesForm),
  mime_type: z.string('a media type is needed'),
  expires_after: expiresAfter,
});
const part = z.object({ data: formFile });
const partIds = 'a list of the ids of parts, in the order of the file, is needed';
const completion = z.object({
  part_ids: z.array(z.string(partIds), partIds).max(maxParts, partIds),
  md5: z.string('the md5 of the content in hex is needed').nullish(),
});

const post = { method: 'POST', errorFormat: 'openai', maxBodyBytes } as const;

/**
 * Uploads of what is too large for one request: in parts, or at once by the URL of S3 that `url` is, an addition of ours.
 * Source: https://github.com/openai/openai-openapi, CreateUploadRequest, CompleteUploadRequest, Upload, UploadPart.
 */
export const openaiUploadRoutes: readonly Route[] = [
  { ...post, path: '/v1/uploads', summary: 'Begins the upload of a large file', body: creation, handle: create },
  {
    ...post,
    path: '/v1/uploads/{upload}/parts',
    summary: 'Takes a part of up to 4.5 MB',
    form: part,
    maxBodyBytes: maxPartBytes,
    handle: add,
  },
  {
    ...post,
    path: '/v1/uploads/{upload}/complete',
    summary: 'Makes the file of an upload',
    body: completion,
    handle: complete,
  },
  { ...post, path: '/v1/uploads/{upload}/cancel', summary: 'Gives an upload up', handle: cancel },
];

async function create(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { filename, purpose, bytes, expires_after } = readJson(request, creation);
  const owner = ownerOf(request);
  const upload = await createUpload(
    owner,
    { filename, purpose, bytes, expiresAfter: expires_after?.seconds },
    services,
  );
  const url = await services.presignData('PUT', contentKeyOf(owner, upload), uploadSeconds);
  return { status: 200, body: { ...renderUpload(upload), url } };
}

async function add(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { data } = await readMultipart(request, part);
  const upload = request.parameters.upload ?? '';
  const id = await addPart(ownerOf(request), upload, data.bytes, services);
  const created_at = Math.floor(Date.now() / 1000);
  return { status: 200, body: { id, object: 'upload.part', created_at, upload_id: upload } };
}

async function complete(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const { part_ids, md5 } = readJson(request, completion);
  const asked = { parts: part_ids, md5: md5 ?? undefined };
  const { upload, file } = await completeUpload(ownerOf(request), request.parameters.upload ?? '', asked, services);
  return { status: 200, body: { ...renderUpload(upload), file: renderFile(file) } };
}

async function cancel(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const upload = await cancelUpload(ownerOf(request), request.parameters.upload ?? '', services);
  return { status: 200, body: renderUpload(upload) };
}

function renderUpload(upload: Upload) {
  const { id, bytes, createdAt, openUntil, filename, purpose } = upload;
  return {
    ...{ id, object: 'upload', bytes, created_at: createdAt, expires_at: openUntil, filename, purpose },
    status: uploadStatus(upload),
    file: null,
  };
}
