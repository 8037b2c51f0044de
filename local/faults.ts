import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { AwsError } from './aws-error.ts';

/**
 * Failures on purpose, in every stand-in. A fault is JSON and comes in one of three ways:
 * - `x-lambent-fault: {"status": 503}` on a request: this request fails;
 * - `curl -d '{"match": {"operation": "GetObject"}, "times": 2, "reset": true}' $URL/_faults`: the next two such requests
 *   fail (`curl -X DELETE` removes all that wait);
 * - `standIn.faults.add({...})` in a test.
 */
const faultSchema = z.strictObject({
  /** All that are given must hold; absent: every request. `path` is a part of the request's URL as sent. */
  match: z
    .strictObject({ method: z.string().optional(), path: z.string().optional(), operation: z.string().optional() })
    .optional(),
  /** Requests that it fails; default 1. */
  times: z.int().positive().optional(),
  /** Waits first; alone, a slow but right answer. */
  delayMs: z.int().nonnegative().optional(),
  /** Resets the connection; the request is not carried out. */
  reset: z.boolean().optional(),
  /** Answers this error instead of carrying out the request; default 500 where only `errorType` is given. */
  status: z.int().min(400).max(599).optional(),
  errorType: z.string().optional(),
  message: z.string().optional(),
  /** Further members of the error's body, such as OriginalStatusCode. */
  fields: z.record(z.string(), z.unknown()).optional(),
  /** Carries out the request, then breaks the connection after so many bytes of the answer's body. 0: the headers alone. */
  cutAfterBytes: z.int().nonnegative().optional(),
});

export type Fault = Readonly<z.infer<typeof faultSchema>>;

export interface Faults {
  add(fault: Fault): void;
  /** Those that wait for a request. */
  list(): Fault[];
  clear(): void;
  /** The first fault that matches, counted down. */
  take(request: IncomingMessage, operation: string): Fault | undefined;
}

export function createFaults(): Faults {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times ?? 1 }),
    list: () => waiting.map(({ fault, left }) => ({ ...fault, times: left })),
    clear: () => {
      waiting = [];
    },
    take: (request, operation) => {
      const found = waiting.find(({ fault }) => matches(fault, request, operation));
      if (!found) return undefined;
      found.left -= 1;
      if (found.left === 0) waiting = waiting.filter((entry) => entry !== found);
      return found.fault;
    },
  };
}

function matches({ match = {} }: Fault, request: IncomingMessage, operation: string): boolean {
  if (match.method !== undefined && match.method !== request.method) return false;
  if (match.path !== undefined && !request.url?.includes(match.path)) return false;
  return match.operation === undefined || match.operation === operation;
}

/** One fault or a list of them, in JSON. */
export function parseFaults(json: string): Fault[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new AwsError(400, 'ValidationException', `a fault is a JSON object; given: ${json.slice(0, 100)}`);
  }
  const parsed = z.array(faultSchema).safeParse(Array.isArray(value) ? value : [value]);
  if (!parsed.success) throw new AwsError(400, 'ValidationException', `fault: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Lets `bytes` bytes of the body through, then breaks the connection. A shorter body ends as usual. */
export function cutAfter(response: ServerResponse, bytes: number): void {
  let left = bytes;
  const write = response.write.bind(response) as (chunk: Uint8Array, ...rest: unknown[]) => boolean;
  const end = response.end.bind(response);
  const pass = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const buffer = Buffer.from(chunk);
    const part = buffer.subarray(0, left);
    left -= part.length;
    if (part.length === buffer.length) return write(part, ...rest);
    if (part.length > 0) write(part, () => response.destroy());
    else flushAndDestroy(response);
    return false;
  };
  response.write = (chunk: string | Uint8Array, ...rest: unknown[]) => !response.destroyed && pass(chunk, ...rest);
  response.end = (...[chunk]: unknown[]) => {
    const isBody = typeof chunk === 'string' || chunk instanceof Uint8Array;
    if (!isBody || pass(chunk)) end();
    return response;
  };
}

function flushAndDestroy(response: ServerResponse): void {
  response.flushHeaders();
  response.socket?.write('', () => response.destroy());
}
