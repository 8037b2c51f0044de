import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { GenerationRequest, Prompt, TokenLogprob } from '../generation/generation.ts';

/** Largest `n`: every choice is a generation of its own. */
const maxChoices = 16;

/**
 * What chat/completions and completions have in common. A null is as good as nothing.
 * Source: https://github.com/openai/openai-openapi, CreateModelResponseProperties; `top_k` as vLLM has it.
 */
export const samplingFields = {
  model: z.string('the name of a model is needed').min(1, 'the name of a model is needed'),
  stream: z.boolean('true or false is needed').nullish(),
  stream_options: z.object({ include_usage: z.boolean('true or false is needed').nullish() }).nullish(),
  temperature: between(0, 2),
  top_p: between(0, 1),
  top_k: z.int('a whole number from 0 is needed').min(0, 'a whole number from 0 is needed').nullish(),
  n: z
    .int(`a whole number from 1 to ${maxChoices} is needed`)
    .min(1, `a whole number from 1 to ${maxChoices} is needed`)
    .max(maxChoices, `a whole number from 1 to ${maxChoices} is needed`)
    .nullish(),
  seed: z.int('a whole number is needed').nullish(),
  presence_penalty: between(-2, 2),
  frequency_penalty: between(-2, 2),
  logit_bias: z
    .record(
      z.string().regex(/^\d+$/, 'token ids are needed'),
      z.number().min(-100, 'a number from -100 to 100 is needed').max(100, 'a number from -100 to 100 is needed'),
    )
    .nullish(),
  stop: z
    .union([
      z.string('a text or a list of up to 4 texts is needed'),
      z
        .array(z.string('a text or a list of up to 4 texts is needed'))
        .max(4, 'a text or a list of up to 4 texts is needed'),
    ])
    .nullish(),
};

export type SamplingInput = z.infer<z.ZodObject<typeof samplingFields>>;

function between(least: number, most: number) {
  const form = `a number from ${least} to ${most} is needed`;
  return z.number(form).min(least, form).max(most, form).nullish();
}

/** A number of tokens that a caller asks for. */
export const tokenCount = z.int('a whole number from 1 is needed').min(1, 'a whole number from 1 is needed').nullish();

/** One request for each choice of each prompt, in the order of their indices. Equal seeds give equal texts. */
export function toGenerations(
  input: SamplingInput,
  prompts: readonly Prompt[],
  limits: { maxTokens: number | null | undefined; topLogprobs: number | undefined },
): GenerationRequest[] {
  const seed = input.seed ?? randomUUID();
  const choices = Array.from({ length: input.n ?? 1 }, (_, choice) => choice);
  return prompts.flatMap((prompt) =>
    choices.map((choice) => ({
      prompt,
      seed: `${seed}/${choice}`,
      ...defined({
        maxTokens: limits.maxTokens,
        topLogprobs: limits.topLogprobs,
        temperature: input.temperature,
        topP: input.top_p,
        topK: input.top_k,
      }),
      presencePenalty: input.presence_penalty ?? 0,
      frequencyPenalty: input.frequency_penalty ?? 0,
      logitBias: input.logit_bias ?? {},
      stop: [input.stop ?? []].flat().filter((stop) => stop !== ''),
    })),
  );
}

function defined(fields: Record<string, number | null | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, number] => entry[1] != null));
}

/** Throws invalid_request where a field asks for what the model host cannot do: nothing is left out silently. */
export function refuse(asked: Readonly<Record<string, boolean>>, reason: string): void {
  const fields = Object.keys(asked).filter((field) => asked[field]);
  if (fields.length > 0) throw new ServiceError('invalid_request', `${fields.join(', ')}: ${reason}`);
}

/** A token with its bytes, as chat/completions renders it. */
export function renderTokenLogprob({ token, logprob }: TokenLogprob): object {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}
