import * as z from 'zod';
import type { GenerationRequest, Prompt } from '../generation/generation.ts';
import type { Services } from '../services.ts';
import type { Model } from './model-manifest.ts';
import { refusal } from './parse-manifest.ts';

type Asked = Required<Pick<GenerationRequest, 'maxTokens'>> & { readonly prompt: Prompt };

/** A golden input of a language model: a text, or the members of OpenAI's requests that have one answer. */
const goldenSchema = z.union([
  z.string().transform((prompt) => ({ prompt })),
  z.strictObject({ prompt: z.string(), max_tokens: z.int().positive().optional() }),
  z.strictObject({ messages: z.array(z.looseObject({ role: z.string() })), max_tokens: z.int().positive().optional() }),
]);

/** Tokens that a golden input continues with where it does not say. */
const goldenTokens = 16;

/** Throws invalid_request where `input` is no golden input of a language model. */
export function readPrompt(input: unknown): Asked {
  const parsed = goldenSchema.safeParse(input);
  if (!parsed.success) throw refusal(`the input is not one of text-generation: ${z.prettifyError(parsed.error)}`);
  const { max_tokens: maxTokens = goldenTokens, ...given } = { max_tokens: undefined, ...parsed.data };
  return { maxTokens, prompt: 'messages' in given ? { messages: given.messages } : { text: given.prompt } };
}

/** The likeliest continuation, with what the model gave to each of its tokens. Throws what `generate` throws. */
export async function continueText(
  model: Model,
  asked: Asked,
  effects: Pick<Services, 'generate'>,
  deadline: number,
): Promise<{ text: string; logprobs: number[] }> {
  const request: GenerationRequest = {
    ...asked,
    temperature: 0,
    topLogprobs: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    logitBias: {},
    stop: [],
    extra: {},
  };
  let text = '';
  const logprobs: number[] = [];
  for await (const event of effects.generate(model, request, deadline)) {
    if (event.kind !== 'delta') continue;
    text += event.text;
    logprobs.push(...(event.logprobs ?? []).map(({ logprob }) => logprob));
  }
  return { text, logprobs };
}
