import * as z from 'zod';
import type { ChatMessage, GenerationEvent } from '../generation/generation.ts';
import type { Services } from '../services.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { answerGenerations, type GenerationFormat } from './openai-answer.ts';
import { refuse, renderTokenLogprob, samplingFields, toGenerations, tokenCount } from './openai-sampling.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 4 * 2 ** 20;

const textForm = 'a text, or a list of parts of type text, is needed';
const textPart = z.object({
  type: z.literal('text', 'only parts of type text are read by this model'),
  text: z.string(),
});
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(textForm), z.array(textPart, textForm)]).nullish(),
});
const input = z.object({
  ...samplingFields,
  messages: z.array(message, 'a list of messages is needed').min(1, 'at least one message is needed'),
  max_tokens: tokenCount,
  max_completion_tokens: tokenCount,
  logprobs: z.boolean('true or false is needed').nullish(),
  top_logprobs: z
    .int('a whole number from 0 to 20 is needed')
    .min(0, 'a whole number from 0 to 20 is needed')
    .max(20, 'a whole number from 0 to 20 is needed')
    .nullish(),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  response_format: z.object({ type: z.string() }).nullish(),
  modalities: z.array(z.string()).nullish(),
});

/** Where the path names the model. */
const inputOfPath = input.omit({ model: true });

/** Chat completions. Source: https://github.com/openai/openai-openapi, CreateChatCompletionRequest. */
export const openaiChatRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'Answers a chat',
    body: input,
    errorFormat: 'openai',
    maxBodyBytes,
    handle: complete,
  },
  // Where Hugging Face's client looks for it behind the URL of one model.
  {
    method: 'POST',
    path: '/models/{model}/v1/chat/completions',
    summary: 'Answers a chat',
    body: inputOfPath,
    errorFormat: 'hugging-face',
    maxBodyBytes,
    handle: complete,
  },
];

async function complete(request: HttpRequest, services: Services): Promise<HttpResponse> {
  const named = request.parameters.model;
  const given = named === undefined ? readJson(request, input) : { ...readJson(request, inputOfPath), model: named };
  refuse(
    {
      response_format: given.response_format != null && given.response_format.type !== 'text',
      tool_choice: given.tool_choice != null && given.tool_choice !== 'auto' && given.tool_choice !== 'none',
      modalities: given.modalities?.some((modality) => modality !== 'text') ?? false,
    },
    'the CPU generator writes free text and cannot be held to a form',
  );
  const model = await findModel(given.model, undefined, services, callerOf(request));
  const tools = given.tool_choice === 'none' ? undefined : (given.tools ?? undefined);
  const prompt = { messages: given.messages.map(toChatMessage), ...(tools && { tools }) };
  const generations = toGenerations(given, [prompt], {
    maxTokens: given.max_completion_tokens ?? given.max_tokens,
    topLogprobs: given.logprobs ? (given.top_logprobs ?? 0) : undefined,
  });
  return await answerGenerations(request, services, { model, input: given, generations, format });
}

/** Chat templates know `system`, not its newer name, and texts, not parts. */
function toChatMessage({ role, content, ...fields }: z.infer<typeof message>): ChatMessage {
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text).join('');
  return { ...fields, role: role === 'developer' ? 'system' : role, content: text };
}

const format: GenerationFormat = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  choice: (index, deltas, { finishReason }) => ({
    index,
    message: { role: 'assistant', content: deltas.map(({ text }) => text).join(''), refusal: null },
    logprobs: renderLogprobs(deltas.flatMap((delta) => delta.logprobs ?? [])),
    finish_reason: finishReason,
  }),
  chunk(index, part) {
    if (part === 'begin') {
      const delta = { role: 'assistant', content: '', refusal: null };
      return { index, delta, logprobs: null, finish_reason: null };
    }
    if (part.kind === 'end') return { index, delta: {}, logprobs: null, finish_reason: part.finishReason };
    if (part.text === '' && !part.logprobs) return undefined;
    return { index, delta: { content: part.text }, logprobs: renderLogprobs(part.logprobs ?? []), finish_reason: null };
  },
};

type Logprobs = NonNullable<Extract<GenerationEvent, { kind: 'delta' }>['logprobs']>;

function renderLogprobs(logprobs: Logprobs): object | null {
  if (logprobs.length === 0) return null;
  const content = logprobs.map(({ top, ...token }) => ({
    ...renderTokenLogprob(token),
    top_logprobs: top.map(renderTokenLogprob),
  }));
  return { content, refusal: null };
}
