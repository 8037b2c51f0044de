import * as z from 'zod';
import type { Prompt } from '../generation/generation.ts';
import { callerOf, findModel } from './find-model.ts';
import type { HttpRequest, HttpResponse, Route } from './http.ts';
import { answerGenerations, type Delta, type GenerationFormat, type GenerationServices } from './openai-answer.ts';
import { readExtra, samplingFields, splitAdapter, toGenerations, wholeNumber } from './openai-sampling.ts';
import { readJson } from './read-json.ts';

const maxBodyBytes = 4 * 2 ** 20;
/** OpenAI's number of tokens where a request names none. */
const defaultMaxTokens = 16;
const maxPrompts = 16;

const form = `a text, a list of token ids, or a list of up to ${maxPrompts} of either is needed`;
const ids = z.array(z.int(form).min(0, form), form).min(1, form);
const prompts = <Each extends z.ZodType>(each: Each) => z.array(each, form).min(1, form).max(maxPrompts, form);
const input = z.looseObject({
  ...samplingFields,
  prompt: z.union([z.string(form), ids, prompts(z.string(form)), prompts(ids)], form),
  max_tokens: wholeNumber(1),
  logprobs: wholeNumber(0, 5),
  echo: z.boolean('true or false is needed').nullish(),
  suffix: z.string('a text is needed').nullish(),
  best_of: wholeNumber(1, 20),
});

/** Where the path names the model: as Hugging Face's client asks, with its own words for some things. */
const inputOfPath = input.omit({ model: true }).extend({
  do_sample: z.boolean('true or false is needed').nullish(),
  return_full_text: z.boolean('true or false is needed').nullish(),
});

/** Completions of texts. Source: https://github.com/openai/openai-openapi, CreateCompletionRequest. */
export const openaiCompletionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/completions',
    summary: 'Continues texts',
    body: input,
    errorFormat: 'openai',
    maxBodyBytes,
    handle: completeText,
  },
  {
    method: 'POST',
    path: '/models/{model}/v1/completions',
    summary: 'Continues texts',
    body: inputOfPath,
    errorFormat: 'hugging-face',
    maxBodyBytes,
    handle: completeText,
  },
];

/** The continuations of texts, whole or as they come. */
export async function completeText(request: HttpRequest, services: GenerationServices): Promise<HttpResponse> {
  const { echo, suffix, best_of: bestOf, ...given } = readInput(request);
  const { reference, adapter } = splitAdapter(given.model);
  const model = await findModel(reference, undefined, services, callerOf(request));
  const asked = {
    maxTokens: given.max_tokens ?? defaultMaxTokens,
    topLogprobs: given.logprobs ?? undefined,
    ...(adapter !== undefined && { adapter }),
  };
  const prompts = toPrompts(given.prompt);
  // A prompt of ids is a text to the host alone, and of what is echoed it alone knows log-probabilities.
  const echoes =
    echo && given.logprobs == null ? prompts.map((prompt) => ('text' in prompt ? prompt.text : undefined)) : [];
  const extra = {
    ...readExtra(given, input.shape),
    ...(echo === true && (echoes.length === 0 || echoes.includes(undefined)) && { echo }),
    ...((suffix ?? '') !== '' && { suffix }),
    ...(bestOf != null && bestOf !== (given.n ?? 1) && { best_of: bestOf }),
  };
  const generations = toGenerations(given, prompts, asked, extra);
  const format = textFormat((index) => echoes[Math.floor(index / (given.n ?? 1))] ?? '');
  return await answerGenerations(request, services, { model, input: given, generations, format });
}

function readInput(request: HttpRequest): z.infer<typeof input> {
  const named = request.parameters.model;
  if (named === undefined) return readJson(request, input);
  const { do_sample: sample, return_full_text: full, ...given } = readJson(request, inputOfPath);
  return {
    ...given,
    model: named,
    ...(sample === false && { temperature: 0 }),
    ...(full != null && { echo: full }),
  };
}

function toPrompts(prompt: z.infer<typeof input>['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [{ text: prompt }];
  if (typeof prompt[0] === 'number') return [{ ids: prompt as number[] }];
  return (prompt as (string | number[])[]).map((each) => (typeof each === 'string' ? { text: each } : { ids: each }));
}

/** `echo`: what stands before the text of a choice. */
const textFormat = (echo: (index: number) => string): GenerationFormat => ({
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (index, deltas, { finishReason }) => ({
    index,
    text: echo(index) + deltas.map(({ text }) => text).join(''),
    logprobs: renderLogprobs(deltas),
    finish_reason: finishReason,
  }),
  chunk(index, part) {
    if (part === 'begin') {
      return echo(index) === '' ? undefined : { index, text: echo(index), logprobs: null, finish_reason: null };
    }
    if (part.kind === 'end') return { index, text: '', logprobs: null, finish_reason: part.finishReason };
    if (part.text === '' && !part.logprobs) return undefined;
    return { index, text: part.text, logprobs: renderLogprobs([part]), finish_reason: null };
  },
});

/** `text_offset` counts from the beginning of these deltas. */
function renderLogprobs(deltas: readonly Delta[]): object | null {
  const tokens = deltas.flatMap(({ logprobs }) => logprobs ?? []);
  if (tokens.length === 0) return null;
  let offset = 0;
  const text_offset = deltas.flatMap(({ text, logprobs }) => {
    const start = offset;
    offset += text.length;
    return (logprobs ?? []).map(() => start);
  });
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset,
  };
}
