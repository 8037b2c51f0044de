import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { seededRandom } from '../seeded-random.ts';
import { readChatTemplate, renderChat } from './chat-template.ts';
import type { GenerationEvent, GenerationRequest, Prompt } from './generation.ts';
import { readLogprobs, sampleToken } from './sample.ts';
import type { TextCodec } from './text-codec.ts';
import { createStopFilter, createTextStream } from './text-stream.ts';

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

/**
 * Generates one sequence, token by token. Its last event is the end; what stops it before is thrown.
 * Throws invalid_request where the prompt does not fit the model, and what `next` throws.
 */
export async function* generate(
  request: GenerationRequest,
  codec: TextCodec,
  assets: Readonly<Record<string, unknown>>,
  next: NextLogits,
): AsyncGenerator<GenerationEvent> {
  const config = configSchema.parse(assets['config.json'] ?? {});
  const defaults = generationSchema.parse(assets['generation_config.json'] ?? {});
  const prompt = encodePrompt(request.prompt, codec, assets);
  const limit = readLimit(request, prompt.length, config.max_position_embeddings ?? config.n_positions ?? undefined);
  const ends = new Set([defaults.eos_token_id ?? config.eos_token_id ?? codec.endId ?? []].flat());
  const sampling = {
    ...request,
    temperature: request.temperature ?? defaults.temperature ?? 1,
    topP: request.topP ?? defaults.top_p ?? 1,
    topK: request.topK ?? defaults.top_k ?? 0,
  };
  const random = seededRandom(request.seed);
  const text = createTextStream(codec.decode);
  const stop = createStopFilter(request.stop);
  const counts = new Map<number, number>();
  const end = (finishReason: 'stop' | 'length', completionTokens: number) =>
    ({ kind: 'end', finishReason, promptTokens: prompt.length, completionTokens }) as const;

  let ids = prompt;
  for (let count = 1; count <= limit; count++) {
    const logits = await next(ids);
    const id = sampleToken(logits, counts, sampling, random);
    if (ends.has(id)) {
      const rest = stop.push(text.end());
      yield { kind: 'delta', text: rest.text + stop.end() };
      return yield end('stop', count);
    }
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const last = count === limit;
    const { text: added, stopped } = stop.push(text.push(id) + (last ? text.end() : ''));
    const delta = last && !stopped ? added + stop.end() : added;
    yield { kind: 'delta', text: delta, ...renderLogprobs(logits, id, request.topLogprobs, codec) };
    if (stopped) return yield end('stop', count);
    ids = [id];
  }
  yield end('length', limit);
}

function encodePrompt(prompt: Prompt, codec: TextCodec, assets: Readonly<Record<string, unknown>>): number[] {
  const ids = readIds();
  if (ids.length > 0) return ids;
  throw new ServiceError('invalid_request', 'the prompt is empty: the model needs a token to begin with');

  function readIds(): number[] {
    if ('ids' in prompt) return [...prompt.ids];
    if ('text' in prompt) return codec.encodePrompt(prompt.text);
    return codec.encodeRendered(renderChat(readChatTemplate(assets), prompt.messages, prompt.tools, codec));
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
