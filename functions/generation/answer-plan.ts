import { ServiceError } from '../errors.ts';
import { readChatTemplate } from './chat-template.ts';
import { type Constraint, createConstraint } from './constraint.ts';
import type { GenerationRequest, ToolUse } from './generation.ts';
import { choice, type Grammar, literal } from './grammar.ts';
import { anyObject, object } from './json-grammar.ts';
import { schemaGrammar } from './json-schema.ts';
import type { TextCodec } from './text-codec.ts';
import { type AnswerReader, createCallReader, createToolReader, findToolFormat, plainReader } from './tool-calls.ts';

/** What a model is held to while it generates, and how its text is read. */
export interface AnswerPlan {
  readonly constraint?: Constraint;
  readonly reader: AnswerReader;
  /** Special tokens that are part of the text. */
  readonly markers: readonly string[];
}

/** Throws invalid_request where the model or this generator cannot do what the request asks for. */
export function planAnswer(
  { prompt, responseFormat, adapter, extra }: GenerationRequest,
  assets: Readonly<Record<string, unknown>>,
  codec: Pick<TextCodec, 'vocabulary'>,
  createId: () => string,
): AnswerPlan {
  const asked = Object.keys(extra);
  if (asked.length > 0) throw refusal(`${asked.join(', ')}: the CPU generator knows no such field`);
  if (adapter !== undefined) throw refusal(`the adapter '${adapter}': the CPU generator has none, only LLM hosts do`);
  const hold = (grammar: Grammar) => ({ constraint: createConstraint(grammar, codec.vocabulary()) });
  const use = 'messages' in prompt && prompt.tools ? (prompt as ToolUse) : undefined;
  if (!use) {
    return { reader: plainReader, markers: [], ...(responseFormat && hold(formatGrammar(responseFormat))) };
  }
  if (responseFormat) throw refusal('response_format: the CPU generator takes it without tools only');
  const template = readChatTemplate(assets, true);
  if (!/\btools\b/.test(template)) throw refusal("tools: the model's chat template knows none");
  const options = { tools: use.tools, parallel: use.parallel, createId };
  if (use.toolChoice !== 'auto') {
    return { reader: createCallReader(options), markers: [], ...hold(callGrammar(use)) };
  }
  const format = findToolFormat(template);
  if (!format) return { reader: plainReader, markers: [] };
  return { reader: createToolReader(format, options), markers: format.markers };
}

function formatGrammar(format: NonNullable<GenerationRequest['responseFormat']>): Grammar {
  if (format.type === 'json_object') return anyObject;
  return schemaGrammar(format.json_schema.schema, 'response_format.json_schema.schema');
}

/** One call of a tool that may be called: `{"name", "arguments"}`. */
function callGrammar({ tools, toolChoice }: ToolUse): Grammar {
  const callable = tools.filter((tool) => typeof toolChoice === 'string' || tool.function.name === toolChoice.name);
  const calls = callable.map(({ function: { name, parameters } }) => {
    const given = schemaGrammar(parameters ?? { type: 'object' }, `tools.${name}.parameters`);
    return object([
      { name: 'name', value: literal(JSON.stringify(name)), required: true },
      { name: 'arguments', value: given, required: true },
    ]);
  });
  return choice(...calls);
}

function refusal(message: string): ServiceError {
  return new ServiceError('invalid_request', message);
}
