/** What the caller asks a generator for: one sequence. Travels as JSON from `api` to the model host. */
export interface GenerationRequest {
  readonly prompt: Prompt;
  /** Absent: as many as the context of the model has room for, up to 1024. */
  readonly maxTokens?: number;
  /** Absent: what generation_config.json says, else 1. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed: string;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: Readonly<Record<string, number>>;
  /** Absent: no log-probabilities; 0: those of the chosen tokens only. */
  readonly topLogprobs?: number;
  readonly stop: readonly string[];
}

export type Prompt =
  | { readonly text: string }
  | { readonly ids: readonly number[] }
  | { readonly messages: readonly ChatMessage[]; readonly tools?: readonly unknown[] };

/** A message as chat templates read it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [field: string]: unknown;
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** What a generation tells: any number of deltas, then one end. Without the end it is not complete. */
export type GenerationEvent =
  | {
      readonly kind: 'delta';
      readonly text: string;
      readonly logprobs?: readonly (TokenLogprob & { readonly top: readonly TokenLogprob[] })[];
    }
  | {
      readonly kind: 'end';
      readonly finishReason: 'stop' | 'length';
      readonly promptTokens: number;
      readonly completionTokens: number;
    };
