import type { ErrorCode } from '../errors.ts';
import type { TensorMetadata } from '../inference/protocol.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';
import type { InferTimings } from '../services.ts';

/** Lambda's limit of a request and of an answer. */
export const maxPayloadBytes = 6_291_456;

/** One request of a caller. Tensors travel in the binary form of the protocol, in base64. */
export interface InferItem {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Bytes of the JSON header at the start of `body`. */
  readonly headerLength: number;
  /** In pieces: see inference/base64.ts. */
  readonly body: readonly string[];
}

/** What `api` sends to the `infer` function; `requests` are those of several callers, for one model. */
export type InferEvent =
  | { readonly operation: 'infer'; readonly manifest: ModelManifest; readonly requests: readonly InferItem[] }
  | { readonly operation: 'describe'; readonly manifest: ModelManifest; readonly deadline: number }
  | { readonly operation: 'unload'; readonly manifest: ModelManifest; readonly deadline: number };

interface AnswerError {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryAfterSeconds?: number };
}

/** `again`: the answers together were too long; this request is to be sent by itself. */
export type ItemAnswer =
  | { readonly headerLength: number; readonly body: Buffer; readonly timings: InferTimings }
  | { readonly again: true }
  | AnswerError;

/** What `infer` answers: never a function error for something that was foreseen. `answers` are in the order of requests. */
export type InferAnswer =
  | { readonly answers: readonly ItemAnswer[] }
  | { readonly inputs: TensorMetadata[]; readonly outputs: TensorMetadata[] }
  | { readonly unloaded: boolean }
  | AnswerError;
