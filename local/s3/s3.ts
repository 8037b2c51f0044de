import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { S3EventRecord } from 'aws-lambda';
import { type AwsError, notImplemented } from '../aws-error.ts';
import { type StandIn, startStandIn } from '../stand-in-server.ts';
import { createBucket, headBucket, listBuckets, listObjectsV2 } from './list-operations.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from './multipart-operations.ts';
import { openObjectStore } from './object-store.ts';
import { getObject } from './read-operations.ts';
import type { S3Context, S3Handler } from './s3-context.ts';
import { findOperation, type S3Operation, unsupportedHeader, unsupportedName } from './s3-operation.ts';
import { checkExpiry, parseS3Request } from './s3-request.ts';
import { openUploadStore } from './upload-store.ts';
import { copyObject, deleteObject, deleteObjects, putObject } from './write-operations.ts';
import { renderXml } from './xml.ts';

const handlers: Record<S3Operation, S3Handler> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  UploadPart: uploadPart,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
};

/** Called once a write is visible and awaited before it is answered: an acknowledged write has handed over its event. */
export type S3EventListener = (record: S3EventRecord) => void | Promise<void>;

export interface S3StandIn extends StandIn {
  onEvent(listener: S3EventListener): void;
}

/**
 * S3 on 127.0.0.1, path style, objects under `directory`. Buckets behave as versioned ones that keep only the current
 * version. Operations, sub-resources and headers that are not supported are refused with 501 and their name.
 */
export async function startS3(options: {
  readonly directory: string;
  /** Created where they are missing. */
  readonly buckets: readonly string[];
  readonly port?: number;
}): Promise<S3StandIn> {
  const listeners: S3EventListener[] = [];
  const context: S3Context = {
    objects: openObjectStore(options.directory),
    uploads: openUploadStore(options.directory),
    emit: async (record) => {
      for (const listener of listeners) await listener(record);
    },
  };
  for (const bucket of options.buckets) context.objects.createBucket(bucket);
  const standIn = await startStandIn({
    ...(options.port !== undefined && { port: options.port }),
    operation: operationName,
    handle: (request, response) => handle(context, request, response),
    renderError,
  });
  return { ...standIn, onEvent: (listener) => void listeners.push(listener) };
}

function operationName(message: IncomingMessage): string {
  const request = parseS3Request(message);
  return findOperation(request) ?? unsupportedName(request);
}

async function handle(context: S3Context, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = parseS3Request(message);
  response.setHeader('x-amz-request-id', randomBytes(8).toString('hex').toUpperCase());
  checkExpiry(request, Date.now());
  const operation = findOperation(request);
  if (!operation) throw notImplemented(unsupportedName(request));
  const header = unsupportedHeader(request);
  if (header) throw notImplemented(`${operation} with ${header}: ${request.headers[header]}`);
  await handlers[operation](context, request, response);
}

function renderError(error: AwsError, message: IncomingMessage, response: ServerResponse): void {
  const fields = Object.fromEntries(Object.entries(error.fields).map(([name, value]) => [name, String(value)]));
  const body = Buffer.from(renderXml('Error', { Code: error.code, Message: error.message, ...fields }));
  const length = message.method === 'HEAD' ? {} : { 'content-length': body.length };
  const range = error.status === 416 ? { 'content-range': `bytes */${fields.ActualObjectSize}` } : {};
  response.writeHead(error.status, { 'content-type': 'application/xml', ...length, ...range }).end(body);
}
