import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { planAnswer } from './answer-plan.ts';
import { createAnswerText } from './answer-text.ts';
import { readChatTemplate, renderChat } from './chat-template.ts';
import type { GenerationEvent, GenerationRequest, Prompt } from './generation.ts';
import { readMessages } from './messages.ts';
import { readLogprobs, sampleToken } from './sample.ts';
import type { TextCodec } from './text-codec.ts';

/** Tokens that are generated where the request names no number. */
const defaultMaxTokens = 1024;

const tokenIds = z.union([z.int(), z.array(z.int())]).nullish();
const configSchema = z.looseObject({
  eos_token_id: tokenIds,
  max_position_embeddings: z.int().positive().nullish(),
  n_positions: z.int().positive().nullish(),
});
const generationSchema = z.looseObject({
  eos_token_id: tokenIds,
  temperature: z.number().min(0).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
});

/** Logits of the token that follows `ids`, which stand behind those of the calls before. */
export type NextLogits = (ids: readonly number[]) => Promise<ArrayLike<number>>;

/** What a generation runs on. */
export interface GenerationModel {
  readonly codec: TextCodec;
  /** Files of the package. */
  readonly assets: Readonly<Record<string, unknown>>;
  readonly next: NextLogits;
  /** An id for a call of a tool that no other has. */
  createId(): string;
}

/**
 * Generates one sequence, token by token. Its last event is the end; what stops it before is thrown.
 * Throws invalid_request where the prompt does not fit the model or the generator cannot do what is asked, and what
 * `next` throws.
 */
export async function* generate(
  request: GenerationRequest,
  { codec, assets, next, createId }: GenerationModel,
  random: () => number,
): AsyncGenerator<GenerationEvent> {
  const { constraint, reader, markers } = planAnswer(request, assets, codec, createId);
  const prompt = encodePrompt(request.prompt, codec, assets);
  const { sampling, limit, ends } = readSettings(request, prompt.length, codec, assets);
  const answer = createAnswerText({ codec, stops: request.stop, reader, markers });
  const counts = new Map<number, number>();

  for (let count = 1, ids = prompt; ; count++) {
    const logits = await next(ids);
    const id = choose(logits);
    if (id === undefined) return yield* finish('stop', count - 1);
    if (ends.has(id)) return yield* finish('stop', count);
    const { text, stopped } = answer.push(id);
    yield { kind: 'delta', text, ...renderLogprobs(logits, id, request.topLogprobs, codec) };
    if (stopped || count === limit) return yield* finish(stopped ? 'stop' : 'length', count, stopped);
    counts.set(id, (counts.get(id) ?? 0) + 1);
    constraint?.push(id);
    ids = [id];
  }

  /** Undefined: what has been generated can only be the whole. */
  function choose(logits: ArrayLike<number>): number | undefined {
    const may = constraint?.next();
    if (may?.ends && !may.any) return undefined;
    const allowed = may && ((id: number) => (ends.has(id) ? may.ends : may.allowed(id)));
    return sampleToken(logits, counts, sampling, random, allowed);
  }

  function* finish(reason: 'stop' | 'length', completionTokens: number, stopped = false): Generator<GenerationEvent> {
    const { text, toolCalls } = answer.end(stopped);
    const called = toolCalls.length > 0;
    if (text !== '' || called) yield { kind: 'delta', text, ...(called && { toolCalls }) };
    const finishReason = called ? 'tool_calls' : reason;
    yield { kind: 'end', finishReason, promptTokens: prompt.length, completionTokens };
  }
}

/** What the request leaves open is as generation_config.json has it. */
function readSettings(
  request: GenerationRequest,
  promptTokens: number,
  codec: TextCodec,
  assets: Readonly<Record<string, unknown>>,
) {
  const config = configSchema.parse(assets['config.json'] ?? {});
  const defaults = generationSchema.parse(assets['generation_config.json'] ?? {});
  return {
    limit: readLimit(request, promptTokens, config.max_position_embeddings ?? config.n_positions ?? undefined),
    ends: new Set([defaults.eos_token_id ?? config.eos_token_id ?? codec.endId ?? []].flat()),
    sampling: {
      ...request,
      temperature: request.temperature ?? defaults.temperature ?? 1,
      topP: request.topP ?? defaults.top_p ?? 1,
      topK: request.topK ?? defaults.top_k ?? 0,
    },
  };
}

function encodePrompt(prompt: Prompt, codec: TextCodec, assets: Readonly<Record<string, unknown>>): number[] {
  const ids = readIds();
  if (ids.length > 0) return ids;
  throw new ServiceError('invalid_request', 'the prompt is empty: the model needs a token to begin with');

  function readIds(): number[] {
    if ('ids' in prompt) return [...prompt.ids];
    if ('text' in prompt) return codec.encodePrompt(prompt.text);
    const template = readChatTemplate(assets, prompt.tools !== undefined);
    return codec.encodeRendered(renderChat(template, readMessages(prompt.messages), prompt.tools, codec));
  }
}

/** Tokens to generate at most. */
function readLimit({ maxTokens }: GenerationRequest, promptTokens: number, context = Number.POSITIVE_INFINITY): number {
  const room = context - promptTokens;
  if (room < 1 || (maxTokens ?? 0) > room) {
    const asked = maxTokens === undefined ? '' : ` and ${maxTokens} to generate`;
    throw new ServiceError(
      'invalid_request',
      `the prompt has ${promptTokens} tokens${asked}; the model's context holds ${context} together`,
    );
  }
  return maxTokens ?? Math.min(room, defaultMaxTokens);
}

function renderLogprobs(logits: ArrayLike<number>, id: number, top: number | undefined, codec: TextCodec) {
  if (top === undefined) return {};
  const { token, top: likeliest } = readLogprobs(logits, id, top);
  const render = (each: typeof token) => ({ token: codec.decode([each.id]), logprob: each.logprob });
  return { logprobs: [{ ...render(token), top: likeliest.map(render) }] };
}
