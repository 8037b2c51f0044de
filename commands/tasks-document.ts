import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { tasks } from '../functions/tasks/index.ts';
import type { TaskName } from '../functions/tasks/task-names.ts';
import { taskExamples } from './task-examples.ts';

/** `npm run docs`: writes docs/tasks.md from the tasks' schemas and their examples. */
const path = fileURLToPath(new URL('../docs/tasks.md', import.meta.url));

/** The part of JSON Schema that zod makes of the tasks' schemas. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema | false;
  readonly prefixItems?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly default: string;
  readonly description: string | undefined;
}

/** What stands in docs/tasks.md. */
export function renderTasks(): string {
  const names = Object.keys(tasks) as TaskName[];
  return `# Tasks

A model's task decides what callers send to \`POST /models/{model}\` and what they get: Hugging Face's inputs, parameters and outputs.
\`npm run docs\` writes this file from the schemas in \`functions/tasks\`.

The body is JSON, \`{ "inputs": …, "parameters": { … } }\`, or the input alone: the bytes of a file, or a text, with their own
\`content-type\`. Parameters need JSON; files are in base64 there. A field that is not listed is refused, and so is a body of the wrong form: 400
says where, what was given and what is allowed ([errors](errors.md)). Scores are between 0 and 1 unless \`function_to_apply\` says otherwise.
Places in texts are counted in characters (code points). \`$KEY\` is an API key, \`$API\` the
address with a slash at its end, \`my-model\` a model with that task.
How inputs become tensors is in [preprocessing](preprocessing.md). A model of \`text-generation\` is asked in OpenAI's form instead:
\`POST /v1/chat/completions\` or \`/models/{model}/v1/chat/completions\`.

${names.map((name) => `- [${name}](#${name})`).join('\n')}

${names.map(renderTask).join('\n')}`;
}

/** The parameters of a task as its schema has them; those of an inner object are named with a dot. */
export function readParameters(name: TaskName): Parameter[] {
  const { properties = {} } = readSchema(name);
  const { inputs: _inputs, parameters, ...beside } = properties;
  return [...listFields(parameters), ...listFields({ properties: beside })].filter(
    (one, index, all) => all.findIndex((other) => other.name === one.name) === index,
  );
}

function readSchema(name: TaskName): JsonSchema {
  return z.toJSONSchema(tasks[name].input, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

function listFields({ properties = {}, required = [] }: JsonSchema = {}): Parameter[] {
  return Object.entries(properties).flatMap(([name, field]): Parameter[] => {
    if (field.properties) {
      // Within an object that may be left out nothing is required.
      const given = required.includes(name) ? field : { ...field, required: [] };
      return listFields(given).map((inner) => ({ ...inner, name: `${name}.${inner.name}` }));
    }
    const value = field.default === undefined ? '' : code(JSON.stringify(field.default));
    const fallback = required.includes(name) ? 'required' : value;
    return [{ name, type: renderType(field), default: fallback, description: field.description }];
  });
}

function renderTask(name: TaskName): string {
  const { summary, body, output } = taskExamples[name];
  const parameters = readParameters(name).map((one) => {
    return `| \`${one.name}\` | ${one.type} | ${one.default} | ${one.description ?? ''} |`;
  });
  const table = ['| parameter | type | default | |', '| --- | --- | --- | --- |', ...parameters].join('\n');
  const example = typeof output === 'string' ? output : `\`\`\`json\n${JSON.stringify(output)}\n\`\`\``;
  return `## ${name}

${summary}

\`inputs\`: ${renderInputs(name)}.

${parameters.length > 0 ? table : 'No parameters.'}

\`\`\`sh
curl "\${API}models/my-model" -H "x-api-key: $KEY" ${renderBody(body)}
\`\`\`

${example}
`;
}

function renderInputs(name: TaskName): string {
  const { properties = {} } = readSchema(name);
  const forms = flattenUnion(properties.inputs ?? {}).filter(
    ({ type }) => tasks[name].rawBody === 'text' || type === 'object',
  );
  const file = tasks[name].rawBody === 'bytes' ? ['the bytes of a file, in JSON as base64'] : [];
  return [...file, ...forms.map(renderType)].join('; or ');
}

function flattenUnion(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf?.flatMap(flattenUnion) ?? [schema];
}

function renderType(schema: JsonSchema): string {
  const { type, enum: values, items, prefixItems, properties, additionalProperties, minItems, maxItems } = schema;
  if (schema.anyOf) return [...new Set(flattenUnion(schema).map(renderType))].filter((one) => one !== '').join(' or ');
  if (values) return values.map((value) => code(JSON.stringify(value))).join(', ');
  if (prefixItems) return `[${prefixItems.map(renderType).join(', ')}]`;
  if (type === 'array')
    return `list of ${items ? renderType(items) : 'values'}${renderRange(minItems, maxItems, ' items')}`;
  if (type === 'object' && properties) return code(`{ ${Object.keys(properties).join(', ')} }`);
  if (type === 'object') {
    const values = typeof additionalProperties === 'object' ? renderType(additionalProperties) : 'value';
    return `object of name: ${values}`;
  }
  const names = typeof type === 'string' ? [type] : (type ?? ['bytes']);
  const range = renderRange(schema.minimum, schema.maximum);
  return names.filter((one) => one !== 'null').join(', ') + range;
}

function renderRange(least: number | undefined, most: number | undefined, unit = ''): string {
  const bounded = most !== undefined && most < Number.MAX_SAFE_INTEGER;
  if (least === undefined && !bounded) return '';
  return bounded ? ` (${least ?? 0} to ${most}${unit})` : ` (from ${least})`;
}

function renderBody(body: unknown): string {
  if (typeof body === 'string') return body;
  return `-H "content-type: application/json" \\\n  -d '${JSON.stringify(body)}'`;
}

function code(text: string): string {
  return `\`${text}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path, renderTasks());
