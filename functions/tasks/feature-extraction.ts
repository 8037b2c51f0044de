import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Model } from '../registry/model-manifest.ts';
import { type Embedding, embedTexts } from './embed-texts.ts';
import type { WholeTask } from './task.ts';

const maxTexts = 2048;
const form = `a text or a list of 1 to ${maxTexts} texts is needed`;
const yesOrNo = z.boolean('true or false is needed').nullish();
const settings = {
  normalize: yesOrNo.describe('Vectors of length 1, or as the model gives them; without it the package decides.'),
  truncate: yesOrNo.describe('False: a text that is too long is refused; else it is cut.'),
  truncation_direction: z
    .enum(['left', 'right', 'Left', 'Right'], "'left' or 'right' is needed")
    .nullish()
    .describe('The side at which a text that is too long is cut.'),
  prompt_name: z
    .string('the name of a prompt is needed')
    .nullish()
    .describe("A name of config_sentence_transformers.json's prompts: what it says is put before each text."),
};
/** Hugging Face's client sends the settings beside `inputs`. */
const input = z.strictObject({
  inputs: z.union([z.string(form), z.array(z.string(form), form).min(1, form).max(maxTexts, form)]),
  ...settings,
  parameters: z.strictObject(settings).prefault({}),
});

/** A text, or a list of them → a vector for each: `[[number]]`; one for each token where the package pools nothing. */
export const featureExtraction: WholeTask<z.infer<typeof input>, Embedding[]> = {
  name: 'feature-extraction',
  rawBody: 'text',
  input,
  async run({ inputs, parameters, ...beside }, model, infer) {
    const prompt = readPrompt(beside.prompt_name ?? parameters.prompt_name, model);
    const direction = beside.truncation_direction ?? parameters.truncation_direction;
    return embedTexts(
      [inputs].flat().map((text) => prompt + text),
      model,
      infer,
      {
        normalize: beside.normalize ?? parameters.normalize ?? undefined,
        truncate: beside.truncate ?? parameters.truncate ?? undefined,
        truncationSide: direction?.toLowerCase() as 'left' | 'right' | undefined,
      },
    );
  },
};

const promptsFile = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});

function readPrompt(asked: string | null | undefined, model: Model): string {
  const { prompts, default_prompt_name } =
    promptsFile.safeParse(model.assets['config_sentence_transformers.json']).data ?? {};
  const name = asked ?? default_prompt_name;
  if (name == null) return '';
  const prompt = prompts && Object.hasOwn(prompts, name) ? prompts[name] : undefined;
  if (prompt !== undefined) return prompt;
  const known = Object.keys(prompts ?? {}).join(', ') || 'none';
  throw new ServiceError('invalid_request', `prompt_name ${JSON.stringify(name)} is unknown; the model has: ${known}`);
}
