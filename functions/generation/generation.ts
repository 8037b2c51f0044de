/** What the caller asks a generator for: one sequence. Travels as JSON from `api` to the model host. */
export interface GenerationRequest {
  readonly prompt: Prompt;
  /** Absent: as many as the context of the model has room for, up to 1024. */
  readonly maxTokens?: number;
  /** Absent: what generation_config.json says, else 1. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  /** Equal seeds give equal texts on one host; absent: another text each time. */
  readonly seed?: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: Readonly<Record<string, number>>;
  /** Absent: no log-probabilities; 0: those of the chosen tokens only. */
  readonly topLogprobs?: number;
  readonly stop: readonly string[];
  /** Absent: free text. */
  readonly responseFormat?: ResponseFormat;
  /** A fine-tuning (LoRA) of the model, by its name. */
  readonly adapter?: string;
  /** Other fields of the request, which some hosts know, under the names that OpenAI's API or the host's has for them. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export type Prompt =
  | { readonly text: string }
  | { readonly ids: readonly number[] }
  | ({ readonly messages: readonly Message[] } & Partial<ToolUse>);

/** A message as OpenAI's API has it. */
export interface Message {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

export interface ToolUse {
  readonly tools: readonly Tool[];
  /** `required`: one of the tools is called; an object: this one. */
  readonly toolChoice: 'auto' | 'required' | { readonly name: string };
  /** False: one call at most. */
  readonly parallel: boolean;
}

export interface Tool {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly parameters?: unknown; readonly [field: string]: unknown };
}

export type ResponseFormat =
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly json_schema: Readonly<Record<string, unknown>> };

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** A call of a tool, or a piece of one: pieces of one index are joined. */
export interface ToolCallDelta {
  readonly index: number;
  /** With the first piece. */
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}

/** Why a generation ended, in OpenAI's words. */
export const finishReasons = ['stop', 'length', 'tool_calls', 'content_filter'] as const;
export type FinishReason = (typeof finishReasons)[number];

/** What a generation tells: any number of deltas, then one end. Without the end it is not complete. */
export type GenerationEvent =
  | {
      /** Comes first, where another host than the model's own answers. */
      readonly kind: 'served';
      readonly by: string;
    }
  | {
      readonly kind: 'delta';
      readonly text: string;
      /** What the model thinks before it speaks, where the host tells it apart. */
      readonly reasoning?: string;
      readonly toolCalls?: readonly ToolCallDelta[];
      readonly logprobs?: readonly (TokenLogprob & { readonly top: readonly TokenLogprob[] })[];
    }
  | {
      readonly kind: 'end';
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      readonly completionTokens: number;
    };
