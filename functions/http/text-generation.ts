import * as z from 'zod';
import type { Model } from '../registry/model-manifest.ts';
import type { Services } from '../services.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { readExtra, refuse, samplingFields, toGenerations, wholeNumber } from './openai-sampling.ts';
import { readJson } from './read-json.ts';

/** Tokens where a request names no number: that of Hugging Face's server. */
const defaultMaxTokens = 100;

const parameters = z.looseObject({
  max_new_tokens: wholeNumber(1),
  temperature: samplingFields.temperature,
  top_p: samplingFields.top_p,
  top_k: samplingFields.top_k,
  seed: samplingFields.seed,
  stop: samplingFields.stop,
  do_sample: z.boolean('true or false is needed').nullish(),
  return_full_text: z.boolean('true or false is needed').nullish(),
});
const input = z.object({
  inputs: z.string('a text is needed'),
  parameters: parameters.default({}),
  stream: z.boolean('true or false is needed').nullish(),
});

/**
 * Continues a text as Hugging Face's task text-generation does: `[{generated_text}]`.
 * Source: huggingface/text-generation-inference, docs/openapi.json, GenerateRequest.
 */
export async function completeInputs(
  request: HttpRequest,
  model: Model,
  services: Pick<Services, 'generate'>,
): Promise<HttpResponse> {
  const given = readJson(request, input);
  refuse({ stream: given.stream === true }, `POST /models/${model.manifest.name}/v1/chat/completions streams`);
  const { return_full_text: full, do_sample: sample, max_new_tokens: maxTokens, ...sampling } = given.parameters;
  const [generation] = toGenerations(
    { model: model.manifest.name, ...sampling, ...(sample === false && { temperature: 0 }) },
    [{ text: given.inputs }],
    { maxTokens: maxTokens ?? defaultMaxTokens, topLogprobs: undefined },
    readExtra(sampling, parameters.shape),
  );
  const headers: Record<string, string> = { 'x-lambent-model-version': model.manifest.version };
  let text = full === true ? given.inputs : '';
  for await (const event of services.generate(model, generation!, request.deadline)) {
    if (event.kind === 'served') headers['x-lambent-served-by'] = event.by;
    if (event.kind === 'delta') text += event.text;
  }
  return { status: 200, headers, body: [{ generated_text: text }] };
}
