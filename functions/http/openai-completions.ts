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
];

/** The continuations of texts, whole or as they come. */
export async function completeText(request: HttpRequest, services: GenerationServices): Promise<HttpResponse> {
  const { echo, suffix, best_of: bestOf, ...given } = readJson(request, input);
  const { reference, adapter } = splitAdapter(given.model);
  const model = await findModel(reference, undefined, services, callerOf(request));
  const asked = {
    maxTokens: given.max_tokens ?? defaultMaxTokens,
    topLogprobs: given.logprobs ?? undefined,
    ...(adapter !== undefined && { adapter }),
  };
  const extra = {
    ...readExtra(given, input.shape),
    ...(echo === true && { echo }),
    ...((suffix ?? '') !== '' && { suffix }),
    ...(bestOf != null && bestOf !== (given.n ?? 1) && { best_of: bestOf }),
  };
  const generations = toGenerations(given, toPrompts(given.prompt), asked, extra);
  return await answerGenerations(request, services, { model, input: given, generations, format });
}

function toPrompts(prompt: z.infer<typeof input>['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [{ text: prompt }];
  if (typeof prompt[0] === 'number') return [{ ids: prompt as number[] }];
  return (prompt as (string | number[])[]).map((each) => (typeof each === 'string' ? { text: each } : { ids: each }));
}

const format: GenerationFormat = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (index, deltas, { finishReason }) => ({
    index,
    text: deltas.map(({ text }) => text).join(''),
    logprobs: renderLogprobs(deltas),
    finish_reason: finishReason,
  }),
  chunk(index, part) {
    if (part === 'begin') return undefined;
    if (part.kind === 'end') return { index, text: '', logprobs: null, finish_reason: part.finishReason };
    if (part.text === '' && !part.logprobs) return undefined;
    return { index, text: part.text, logprobs: renderLogprobs([part]), finish_reason: null };
  },
};

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
