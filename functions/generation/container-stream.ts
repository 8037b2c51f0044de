import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { type FinishReason, finishReasons, type GenerationEvent, type TokenLogprob } from './generation.ts';

const logprob = z.object({ token: z.string(), logprob: z.number() });
const chatLogprobs = z.object({
  content: z.array(logprob.extend({ top_logprobs: z.array(logprob).default([]) })).nullish(),
});
const textLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
});
const toolCall = z.object({
  index: z.int(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});
const delta = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z.array(toolCall).nullish(),
});
const failure = z.object({ message: z.string(), code: z.unknown().optional() });
/** What vLLM's server sends for chat/completions and for completions, and in the place of either an error. */
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: delta.optional(),
        text: z.string().optional(),
        logprobs: z.unknown().optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int().default(0) }).nullish(),
  error: z.union([failure, z.string()]).nullish(),
});
type Chunk = z.infer<typeof chunkSchema>;

/**
 * Events of one choice, from the bytes that a container with OpenAI's API streams: server-sent events (`data: …`) or lines
 * of JSON, cut anywhere. Complete is what has a reason for its end, and then the usage, which is asked for. A stream that
 * ends before it yields no end. Throws model_failed where the container says that it has failed, or speaks otherwise.
 * Source: vllm-project/vllm, vllm/entrypoints/openai; deepjavalibrary/djl-serving, djl_python/async_utils.py.
 */
export async function* readContainerStream(parts: AsyncIterable<Uint8Array>): AsyncGenerator<GenerationEvent> {
  let finishReason: FinishReason | undefined;
  for await (const line of splitLines(parts)) {
    const chunk = readChunk(line);
    if (!chunk) continue;
    const [choice] = chunk.choices;
    if (choice) {
      const event = toDelta(choice);
      if (event) yield event;
      finishReason = readReason(choice.finish_reason) ?? finishReason;
    }
    if (chunk.usage && finishReason !== undefined) {
      const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = chunk.usage;
      return yield { kind: 'end', finishReason, promptTokens, completionTokens };
    }
  }
}

/** Whole lines; what follows the last line break is none. */
async function* splitLines(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of parts) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Undefined: a line without a chunk, such as an empty one, a comment, the name of an event or [DONE]. */
function readChunk(line: string): Chunk | undefined {
  const text = line.replace(/^data:/, '').trim();
  if (text === '' || text === '[DONE]' || /^(:|event:|id:|retry:)/.test(line)) return undefined;
  const chunk = parse(text);
  if (!chunk.error) return chunk;
  const reason = typeof chunk.error === 'string' ? chunk.error : chunk.error.message;
  throw new ServiceError('model_failed', `the model failed while it generated: ${reason}`);
}

function parse(text: string): Chunk {
  try {
    return chunkSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ServiceError('model_failed', "the model's container sent what is no chunk of OpenAI's API", { cause });
  }
}

function readReason(reason: string | null | undefined): FinishReason | undefined {
  if (reason == null) return undefined;
  const known = finishReasons.find((each) => each === reason);
  if (known) return known;
  throw new ServiceError('model_failed', `the model failed while it generated: it ended with '${reason}'`);
}

function toDelta(choice: Chunk['choices'][number]): GenerationEvent | undefined {
  const text = choice.text ?? choice.delta?.content ?? '';
  const reasoning = choice.delta?.reasoning_content ?? choice.delta?.reasoning;
  const calls = choice.delta?.tool_calls?.map(({ index, id, function: called }) => ({
    index,
    ...(id != null && { id }),
    ...(called?.name != null && { name: called.name }),
    arguments: called?.arguments ?? '',
  }));
  const logprobs = readLogprobs(choice.logprobs);
  if (text === '' && !reasoning && !calls?.length && logprobs.length === 0) return undefined;
  return {
    kind: 'delta',
    text,
    ...(reasoning && { reasoning }),
    ...(calls?.length && { toolCalls: calls }),
    ...(logprobs.length > 0 && { logprobs }),
  };
}

function readLogprobs(given: unknown): (TokenLogprob & { top: TokenLogprob[] })[] {
  const chat = chatLogprobs.safeParse(given).data?.content ?? [];
  if (chat.length > 0) return chat.map(({ top_logprobs: top, ...token }) => ({ ...token, top }));
  const text = textLogprobs.safeParse(given).data;
  return (text?.tokens ?? []).map((token, index) => {
    const top = Object.entries(text?.top_logprobs?.[index] ?? {}).map(([each, value]) => ({
      token: each,
      logprob: value,
    }));
    return { token, logprob: text?.token_logprobs[index] ?? 0, top };
  });
}
