import type { ErrorCode } from '../errors.ts';
import type { InferRequest, InferResponse, Tensor } from '../inference/protocol.ts';
import type { Model } from '../registry/model-manifest.ts';

/** What a thread is asked. `call` numbers the tasks that are under way, `run` the runs of the model within one of them. */
export type ThreadRequest =
  | {
      readonly kind: 'task';
      readonly call: number;
      readonly input: unknown;
      readonly modelId: number;
      /** Absent: the thread has the model. */
      readonly model?: Model;
    }
  /** Without a response: the run failed, for a reason that the thread need not know. */
  | { readonly kind: 'answer'; readonly call: number; readonly run: number; readonly response?: InferResponse }
  | { readonly kind: 'forget'; readonly modelId: number };

export type ThreadAnswer =
  | { readonly kind: 'infer'; readonly call: number; readonly run: number; readonly request: InferRequest }
  | { readonly kind: 'output'; readonly call: number; readonly output: unknown }
  | { readonly kind: 'failure'; readonly call: number; readonly failure: ThreadFailure };

/** `run`: a run of the model failed. Without a code the error is none that was thrown on purpose. */
export type ThreadFailure =
  | { readonly run: true }
  | { readonly code?: ErrorCode; readonly message: string; readonly cause?: string };

/** Tensors as they travel: of a view a message would take the whole buffer along. */
export function withoutSurroundings<Holder extends { readonly data: Tensor['data'] }>(
  tensors: readonly Holder[],
): Holder[] {
  return tensors.map((tensor) => {
    const { byteLength, buffer } = tensor.data;
    return byteLength === buffer.byteLength ? tensor : { ...tensor, data: new Uint8Array(tensor.data) };
  });
}
