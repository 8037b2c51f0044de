import type { ErrorCode } from '../errors.ts';
import type { Tensor, TensorMetadata } from '../inference/protocol.ts';

/** What the host asks of a session's worker thread. Messages are answered in their order. */
export type WorkerRequest =
  | { readonly kind: 'load'; readonly graph: Uint8Array; readonly externalData: readonly ExternalDataFile[] }
  | {
      readonly kind: 'run';
      readonly inputs: readonly Tensor[];
      readonly outputs: readonly string[];
      readonly sequence?: SequenceStep;
    }
  /** Frees what a sequence has kept; not answered. */
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'close' };

export interface ExternalDataFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * A run that goes on where the one before it with the same id ended: outputs that `carry` names stay in the worker as
 * inputs of the next run, and of the others the last position alone is answered, `[1, width]`.
 */
export interface SequenceStep {
  readonly id: number;
  /** Output → input. */
  readonly carry: Readonly<Record<string, string>>;
}

export interface SessionMetadata {
  readonly inputs: TensorMetadata[];
  readonly outputs: TensorMetadata[];
}

export type WorkerAnswer =
  | { readonly metadata: SessionMetadata }
  /** Of the run alone: the time that it took, and that the thread worked. */
  | { readonly outputs: readonly Tensor[]; readonly computeMs: number; readonly cpuMs: number }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };
