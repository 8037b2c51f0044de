import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Prompt, ResponseFormat, ToolUse } from '../generation/generation.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { answerGenerations, type GenerationServices } from './openai-answer.ts';
import { chatFormat } from './openai-chat-format.ts';
import { readExtra, samplingFields, splitAdapter, toGenerations, wholeNumber } from './openai-sampling.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 4 * 2 ** 20;

const contentForm = 'a text, or a list of parts with a type, is needed';
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))], contentForm).nullish(),
  tool_calls: z
    .array(z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
});
const tool = z.looseObject({
  type: z.literal('function', "only tools of type 'function' are called by models here"),
  function: z.looseObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'a name of letters, digits, _ and -, 64 at most, is needed'),
    parameters: z.looseObject({}).nullish(),
  }),
});
const choiceForm = "'none', 'auto', 'required' or {type: 'function', function: {name}} is needed";
const formatForm =
  "{type: 'text'}, {type: 'json_object'} or {type: 'json_schema', json_schema: {name, schema}} is needed";
const input = z.looseObject({
  ...samplingFields,
  messages: z.array(message, 'a list of messages is needed').min(1, 'at least one message is needed'),
  max_tokens: wholeNumber(1),
  max_completion_tokens: wholeNumber(1),
  logprobs: z.boolean('true or false is needed').nullish(),
  top_logprobs: wholeNumber(0, 20),
  tools: z.array(tool).max(128, '128 tools at most').nullish(),
  tool_choice: z
    .union(
      [
        z.enum(['none', 'auto', 'required']),
        z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
      ],
      choiceForm,
    )
    .nullish(),
  parallel_tool_calls: z.boolean('true or false is needed').nullish(),
  response_format: z
    .union(
      [
        z.object({ type: z.literal(['text', 'json_object']) }),
        z.object({ type: z.literal('json_schema'), json_schema: z.looseObject({ schema: z.looseObject({}) }) }),
      ],
      formatForm,
    )
    .nullish(),
  modalities: z.array(z.literal('text', "models here answer with 'text'")).nullish(),
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
    handle: completeChat,
  },
  // Where Hugging Face's client looks for it behind the URL of one model.
  {
    method: 'POST',
    path: '/models/{model}/v1/chat/completions',
    summary: 'Answers a chat',
    body: inputOfPath,
    errorFormat: 'hugging-face',
    maxBodyBytes,
    handle: completeChat,
  },
];

/** The answer to a chat, whole or as it comes. */
export async function completeChat(request: HttpRequest, services: GenerationServices): Promise<HttpResponse> {
  const named = request.parameters.model;
  const given = named === undefined ? readJson(request, input) : { ...readJson(request, inputOfPath), model: named };
  const { reference, adapter } = splitAdapter(given.model);
  const model = await findModel(reference, undefined, services, callerOf(request));
  const prompt: Prompt = { messages: given.messages, ...readTools(given) };
  const format = given.response_format;
  const asked = {
    maxTokens: given.max_completion_tokens ?? given.max_tokens,
    topLogprobs: given.logprobs ? (given.top_logprobs ?? 0) : undefined,
    ...(format && format.type !== 'text' && { responseFormat: format as ResponseFormat }),
    ...(adapter !== undefined && { adapter }),
  };
  const generations = toGenerations(given, [prompt], asked, readExtra(given, input.shape));
  return await answerGenerations(request, services, { model, input: given, generations, format: chatFormat });
}

/** Nothing where no tool may be called. Throws invalid_request where a choice names none of the tools. */
function readTools({ tools, tool_choice: choice, ...given }: z.infer<typeof inputOfPath>): Partial<ToolUse> {
  const names = (tools ?? []).map((each) => each.function.name);
  const chosen = typeof choice === 'object' ? choice?.function.name : undefined;
  const wanted = choice === 'required' || chosen !== undefined;
  if (wanted && (names.length === 0 || (chosen !== undefined && !names.includes(chosen)))) {
    const allowed = names.length > 0 ? `tools has ${names.join(', ')}` : 'there are no tools';
    throw new ServiceError('invalid_request', `tool_choice is ${JSON.stringify(choice)}; ${allowed}`);
  }
  if (!tools || tools.length === 0 || choice === 'none') return {};
  const toolChoice = chosen !== undefined ? { name: chosen } : choice === 'required' ? 'required' : 'auto';
  return { tools, toolChoice, parallel: given.parallel_tool_calls ?? true };
}
