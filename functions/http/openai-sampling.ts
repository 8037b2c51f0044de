import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { GenerationRequest, Prompt, TokenLogprob } from '../generation/generation.ts';

/** Largest `n`: every choice is a generation of its own. */
const maxChoices = 16;

const name = 'the name of a model is needed';
const flag = z.boolean('true or false is needed').nullish();
const stopForm = 'a text or a list of up to 4 texts is needed';
const biasForm = 'a number from -100 to 100 is needed';

/**
 * What chat/completions and completions have in common. A null is as good as nothing.
 * Source: https://github.com/openai/openai-openapi, CreateModelResponseProperties; `top_k` as vLLM has it.
 */
export const samplingFields = {
  model: z.string(name).min(1, name),
  stream: flag,
  stream_options: z.looseObject({ include_usage: flag }).nullish(),
  temperature: between(0, 2),
  top_p: between(0, 1),
  top_k: wholeNumber(0),
  n: wholeNumber(1, maxChoices),
  seed: z.int('a whole number is needed').nullish(),
  presence_penalty: between(-2, 2),
  frequency_penalty: between(-2, 2),
  logit_bias: z
    .record(
      z.string().regex(/^\d+$/, 'token ids are needed'),
      z.number(biasForm).min(-100, biasForm).max(100, biasForm),
      'an object of token ids is needed',
    )
    .nullish(),
  stop: z.union([z.string(stopForm), z.array(z.string(stopForm), stopForm).max(4, stopForm)], stopForm).nullish(),
};

/** Fields of OpenAI's API that say nothing about the text: who asks, what it costs, where it is kept. */
const administrative = [
  ...['user', 'safety_identifier', 'metadata', 'service_tier', 'store'],
  ...['prompt_cache_key', 'prompt_cache_retention'],
];

export type SamplingInput = z.infer<z.ZodObject<typeof samplingFields>>;

function between(least: number, most: number) {
  const form = `a number from ${least} to ${most} is needed`;
  return z.number(form).min(least, form).max(most, form).nullish();
}

/** A count that a caller asks for. */
export function wholeNumber(least: number, most?: number) {
  const form = `a whole number from ${least}${most === undefined ? '' : ` to ${most}`} is needed`;
  const number = z.int(form).min(least, form);
  return (most === undefined ? number : number.max(most, form)).nullish();
}

/** What a request asks for beside its sampling. */
type Asked = Pick<GenerationRequest, 'responseFormat' | 'adapter'> & {
  readonly maxTokens: number | null | undefined;
  readonly topLogprobs: number | undefined;
};

/** One request for each choice of each prompt, in the order of their indices. Equal seeds give equal texts. */
export function toGenerations(
  input: SamplingInput,
  prompts: readonly Prompt[],
  { maxTokens, topLogprobs, ...asked }: Asked,
  extra: Readonly<Record<string, unknown>>,
): GenerationRequest[] {
  const choices = Array.from({ length: input.n ?? 1 }, (_, choice) => choice);
  return prompts.flatMap((prompt) =>
    choices.map((choice) => ({
      prompt,
      ...asked,
      ...defined({
        maxTokens,
        topLogprobs,
        temperature: input.temperature,
        topP: input.top_p,
        topK: input.top_k,
        seed: input.seed == null ? undefined : input.seed + choice,
      }),
      presencePenalty: input.presence_penalty ?? 0,
      frequencyPenalty: input.frequency_penalty ?? 0,
      logitBias: input.logit_bias ?? {},
      stop: [input.stop ?? []].flat().filter((stop) => stop !== ''),
      extra,
    })),
  );
}

function defined(fields: Record<string, number | null | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, number] => entry[1] != null));
}

/** The fields of a request that its schema does not know and that ask for something. Hosts take or refuse them by name. */
export function readExtra(input: object, known: object): Record<string, unknown> {
  const others = Object.entries(input).filter(([field, value]) => {
    return value !== null && !Object.hasOwn(known, field) && !administrative.includes(field);
  });
  return Object.fromEntries(others);
}

/** `<model>[@<alias>][:<adapter>]` in its two parts. */
export function splitAdapter(reference: string): { reference: string; adapter?: string } {
  const at = reference.indexOf(':');
  if (at < 0) return { reference };
  const adapter = reference.slice(at + 1);
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(adapter)) return { reference: reference.slice(0, at), adapter };
  throw new ServiceError('invalid_request', `'${reference.slice(0, 100)}' is neither <model> nor <model>:<adapter>`);
}

/** Throws invalid_request where a field asks for what cannot be done: nothing is left out silently. */
export function refuse(asked: Readonly<Record<string, boolean>>, reason: string): void {
  const fields = Object.keys(asked).filter((field) => asked[field]);
  if (fields.length > 0) throw new ServiceError('invalid_request', `${fields.join(', ')}: ${reason}`);
}

/** A token with its bytes, as chat/completions renders it. */
export function renderTokenLogprob({ token, logprob }: TokenLogprob): object {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}
