import type * as z from 'zod';
import { ServiceError } from '../errors.ts';

/** Most problems, and unknown fields of one object, that an error tells. */
const mostShown = 5;

/** `value` as `schema` describes it. Throws invalid_request that says where, what was given and what is allowed. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ServiceError('invalid_request', describeAll(parsed.error.issues, schema), { cause: parsed.error });
}

function describeAll(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, at: readonly PropertyKey[] = []): string {
  const placed = issues.slice(0, mostShown).map((issue) => ({ ...issue, path: [...at, ...issue.path] }));
  return placed.map((issue) => describe(issue, schema)).join('; ');
}

/** What is wrong lies within an object or a list that is the right one of several forms. */
function liesWithin({ code, path }: z.core.$ZodIssue): boolean {
  return code === 'unrecognized_keys' || path.length > 0;
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  const place = renderPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const allowed = fieldsAt(schema, issue.path);
    const known = allowed.length > 0 ? `; ${allowed.join(', ')} are allowed` : '';
    const unknown = issue.keys.slice(0, mostShown).map((key) => `'${key.slice(0, 100)}'`);
    return `${place || 'the body'} has the unknown field ${unknown.join(', ')}${known}`;
  }
  const given = describeValue(issue.input);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const nearest = issue.errors.find((issues) => issues.every(liesWithin));
    if (nearest) return describeAll(nearest, schema, issue.path);
    const forms = issue.errors.flatMap((issues) => issues.slice(0, 1).map((one) => withoutVerdict(one.message)));
    return `${place || 'the body'} is ${given}: ${[...new Set(forms)].join(', or ')}`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    const fields = fieldsAt(schema, issue.path).join(', ');
    return `${place || 'the body'} is ${given}: an object${fields && ` with ${fields}`} is needed`;
  }
  return `${place || 'the body'} is ${given}: ${withoutVerdict(issue.message)}`;
}

/** Zod's own messages begin with what is being said already. */
function withoutVerdict(message: string): string {
  return message.replace(/^(?:Invalid (?:input|option)|Too (?:big|small)): /, '').replace(/, received .*$/, '');
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
    const { shape, element } = (current ?? {}) as { shape?: Record<string, unknown>; element?: unknown };
    if (part === undefined) return shape ? Object.keys(shape) : [];
    current = typeof part === 'number' ? element : shape?.[String(part)];
  }
  return [];
}

/** Optional, default and nullable schemas wrap the one that they are about. */
function unwrap(schema: unknown): unknown {
  let current = schema as { def?: { innerType?: unknown } } | undefined;
  while (current?.def?.innerType) current = current.def.innerType as typeof current;
  return current;
}
