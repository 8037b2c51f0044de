import { Template } from '@huggingface/jinja';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { ChatMessage } from './messages.ts';
import type { TextCodec } from './text-codec.ts';

/** tokenizer_config.json has one template, or several with names. */
const configSchema = z.looseObject({
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish()
    .catch(null),
});

/**
 * The package's template: chat_template.jinja, else the one in tokenizer_config.json, of several the one for tools where
 * there are tools. Throws invalid_request: none.
 */
export function readChatTemplate(assets: Readonly<Record<string, unknown>>, withTools: boolean): string {
  const file = assets['chat_template.jinja'];
  if (typeof file === 'string') return file;
  const { chat_template: given } = configSchema.parse(assets['tokenizer_config.json'] ?? {});
  const find = (wanted: string) =>
    Array.isArray(given) ? given.find(({ name }) => name === wanted)?.template : undefined;
  const template = typeof given === 'string' ? given : ((withTools ? find('tool_use') : undefined) ?? find('default'));
  if (template) return template;
  throw new ServiceError('invalid_request', 'the model has no chat template: it continues texts, POST /v1/completions');
}

/**
 * The conversation as the model was trained on it, up to where its turn begins. Throws invalid_request where the template
 * refuses the messages.
 * Source: huggingface/transformers, docs/source/en/chat_templating.md: Jinja, with these variables.
 */
export function renderChat(
  template: string,
  messages: readonly ChatMessage[],
  tools: readonly unknown[] | undefined,
  codec: Pick<TextCodec, 'escape' | 'specialTokens'>,
): string {
  const variables = {
    messages: changeTexts(messages, codec.escape),
    ...(tools && { tools: changeTexts(tools, codec.escape) }),
    add_generation_prompt: true,
    ...codec.specialTokens,
  };
  try {
    return new Template(template).render(variables);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ServiceError('invalid_request', `the model's chat template refuses the messages: ${reason}`, { cause });
  }
}

/** `value` with `change` applied to every string in it. */
function changeTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => changeTexts(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changeTexts(each, change)]));
}
