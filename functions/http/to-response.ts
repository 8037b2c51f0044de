import { Readable } from 'node:stream';
import type { HttpResponse } from './http.ts';

/** What a streaming Lambda function behind a REST API answers. */
export interface ProxyResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string | Uint8Array | Readable;
}

/** Decides the wire form: what is neither text, bytes nor a stream becomes JSON. */
export function toResponse({ status, headers, body = '' }: HttpResponse): ProxyResponse {
  if (typeof body === 'string' || body instanceof Uint8Array || body instanceof Readable) {
    return { statusCode: status, headers: { ...headers }, body };
  }
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
