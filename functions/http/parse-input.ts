import type * as z from 'zod';
import { ServiceError } from '../errors.ts';

/** `value` as `schema` describes it. Throws invalid_request that says where, what was given and what is allowed. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const messages = parsed.error.issues.slice(0, 5).map((issue) => describe(issue, schema));
  throw new ServiceError('invalid_request', messages.join('; '), { cause: parsed.error });
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  const place = renderPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const allowed = fieldsAt(schema, issue.path);
    const known = allowed.length > 0 ? `; ${allowed.join(', ')} are allowed` : '';
    return `${place || 'the body'} has the unknown field ${issue.keys.map((key) => `'${key}'`).join(', ')}${known}`;
  }
  const given = describeValue(issue.input);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const forms = issue.errors.flatMap((issues) => issues.slice(0, 1).map((one) => one.message));
    return `${place || 'the body'} is ${given}: ${[...new Set(forms)].join(', or ')}`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    const fields = fieldsAt(schema, issue.path).join(', ');
    return `${place || 'the body'} is ${given}: an object with ${fields} is needed`;
  }
  return `${place || 'the body'} is ${given}: ${issue.message}`;
}

/** `parameters.top_k`, `inputs[3]`. */
function renderPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  return typeof value === 'object' ? 'an object' : String(value);
}

/** Names of the fields of the object schema at `path`; none where the schema is no plain object there. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  for (const part of [...path, undefined]) {
    current = unwrap(current);
    const shape = shapeOf(current);
    if (part === undefined) return shape ? Object.keys(shape) : [];
    current = shape?.[String(part)];
  }
  return [];
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return (schema as { shape?: Record<string, unknown> } | undefined)?.shape;
}

/** Optional, default and nullable schemas wrap the one that they are about. */
function unwrap(schema: unknown): unknown {
  let current = schema as { def?: { innerType?: unknown } } | undefined;
  while (current?.def?.innerType) current = current.def.innerType as typeof current;
  return current;
}
