import type { Readable } from 'node:stream';
import type * as z from 'zod';
import type { ApiKey, Services } from '../services.ts';

/** A request as routes see it: independent of the event that carried it. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** Decoded segments of the route's path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed, within the route's limit. */
  readonly body: Buffer;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly apiKey?: ApiKey;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | Readable | object;
}

export type ErrorFormat = 'open-inference' | 'openai' | 'hugging-face';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Without a trailing slash, e.g. `/v2/models/{model}/infer`. */
  readonly path: string;
  /** What it does, in one line of /docs. */
  readonly summary: string;
  /** What parses its body, JSON or a multipart form, and its query; /openapi.json shows them. */
  readonly body?: z.ZodType;
  readonly form?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly errorFormat: ErrorFormat;
  /** Needs no key: liveness, readiness, and the description of the API, which tells nothing of the deployment. */
  readonly public?: boolean;
  /** Largest body after decompression; absent: no body is read. */
  readonly maxBodyBytes?: number;
  handle(request: HttpRequest, services: Services): Promise<HttpResponse>;
}
