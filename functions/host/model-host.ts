import type { InferRequest, Tensor, TensorMetadata } from '../inference/protocol.ts';
import type { InferTimings } from '../services.ts';
import type { SessionMetadata } from './worker-messages.ts';

/** Where the bytes of one model version come from. */
export interface ModelSource {
  /** Identifies the version: the same id is the same bytes for ever. */
  readonly id: string;
  /** Bytes of all files, for the cache's budget. */
  readonly bytes: number;
  /** Rows of dimension 0 that may be joined into one run; 0: never. */
  readonly maxBatchSize: number;
  /** Reads the graph and the external data files that it names by relative path. The host keeps these bytes. */
  load(): Promise<{ graph: Uint8Array; externalData: readonly { path: string; data: Uint8Array }[] }>;
}

/** Runs ONNX models. One worker thread per loaded model; least recently used models leave when the budget is spent. */
export interface ModelHost {
  /** Throws model_failed where the graph cannot be loaded. */
  describe(source: ModelSource, deadline: number): Promise<{ inputs: TensorMetadata[]; outputs: TensorMetadata[] }>;
  /** Throws model_rejected_input, model_failed, model_not_ready, deadline_exceeded. */
  infer(
    source: ModelSource,
    request: InferRequest,
    deadline: number,
  ): Promise<{ outputs: Tensor[]; timings: InferTimings }>;
  /** Begins a sequence of steps; the model stays loaded until it is closed. Throws as `infer` does. */
  openSequence(source: ModelSource, deadline: number): Promise<Sequence>;
  /** Ends with the run of this model that is in progress now: a run cannot be cancelled when its callers have left. */
  runEnded(id: string): Promise<void>;
  /** Frees a model once its runs have ended; false: it was not loaded. */
  unload(id: string): Promise<boolean>;
  /** Ids of the loaded models, least recently used first. */
  loaded(): string[];
  /** Releases all sessions; waits for runs in progress. */
  close(): Promise<void>;
}

/** Steps of one model, each from the state that the one before it left. The state stays with the model. */
export interface Sequence {
  readonly metadata: SessionMetadata;
  /**
   * Runs the graph on `inputs` and what `carry` (output → input) names of the step before. Gives the last position of
   * `output`, `[1, width]`.
   */
  step(
    inputs: readonly Tensor[],
    output: string,
    carry: Readonly<Record<string, string>>,
    deadline: number,
  ): Promise<Tensor>;
  close(): void;
}
