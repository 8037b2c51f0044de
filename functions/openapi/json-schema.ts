import * as z from 'zod';

export type JsonSchema = { [keyword: string]: unknown };

/**
 * JSON Schema (2020-12, as OpenAPI 3.1 has it) of what a zod schema takes. Where it also takes bytes, which no JSON holds,
 * that alternative is left out.
 */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom' && !jsonSchema.format) jsonSchema.format = bytesOnly;
    },
  });
  const { $defs = {}, ...pruned } = prune(described) as { $defs?: Record<string, JsonSchema> };
  const named = Object.entries($defs).filter(([name]) => !name.startsWith(unnamed));
  return named.length > 0 ? { ...pruned, $defs: Object.fromEntries(named) } : pruned;
}

const bytesOnly = 'not in JSON';
/** zod's names of schemas that have none and refer to themselves. */
const unnamed = '__schema';

function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value !== 'object' || value === null) return value;
  // What refers to itself without a name is any JSON.
  if ('$ref' in value && String(value.$ref).includes(unnamed)) return {};
  const entries = Object.entries(value).map(([keyword, inner]) => {
    // Schemas with a name are components of the document.
    if (keyword === '$ref') return [keyword, String(inner).replace('#/$defs/', '#/components/schemas/')] as const;
    if (keyword !== 'anyOf') return [keyword, prune(inner)] as const;
    const forms = (inner as JsonSchema[]).filter(({ format }) => format !== bytesOnly);
    return [keyword, forms.map(prune)] as const;
  });
  const { anyOf, ...rest } = Object.fromEntries(entries) as JsonSchema;
  // A file of a form.
  if (rest.format === 'binary') return { type: 'string', format: 'binary' };
  // zod's word for what the pattern says.
  if (rest.format === 'includes' || rest.format === 'regex' || rest.format === 'starts_with') delete rest.format;
  if (!Array.isArray(anyOf)) return rest;
  return anyOf.length === 1 ? { ...(anyOf[0] as JsonSchema), ...rest } : { ...rest, anyOf };
}
