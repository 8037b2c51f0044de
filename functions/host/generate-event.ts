import type { ErrorCode } from '../errors.ts';
import type { GenerationEvent, GenerationRequest } from '../generation/generation.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';

/** What `api` sends to the `infer` function for a text; it is answered as a stream. */
export interface GenerateEvent {
  readonly operation: 'generate';
  readonly manifest: ModelManifest;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly request: GenerationRequest;
}

/** One line of the answer, as JSON. The last one is an end or an error: without it the answer is not complete. */
export type GenerateLine =
  | GenerationEvent
  | {
      readonly kind: 'error';
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryAfterSeconds?: number };
    };
