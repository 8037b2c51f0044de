import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import { choice, type Grammar, literal } from './grammar.ts';
import {
  anyObject,
  anyValue,
  array,
  boolean,
  integer,
  type Member,
  map,
  nothing,
  number,
  object,
  string,
} from './json-grammar.ts';

/** Schemas with more parts than this are refused. */
const maxParts = 5000;

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
const count = z.int('a whole number from 0 is needed').min(0, 'a whole number from 0 is needed').optional();
const schemas = z.record(z.string(), z.unknown(), 'an object of schemas is needed').optional();
const typeName = z.enum(types, `one of ${types.join(', ')} is needed`);

/** What a decoder can be held to. Source: JSON Schema 2020-12, validation and applicator vocabularies. */
const supported = {
  type: z
    .union([typeName, z.array(typeName).min(1)], `one of ${types.join(', ')}, or a list of them, is needed`)
    .optional(),
  properties: schemas,
  required: z.array(z.string(), 'a list of names is needed').optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  minItems: count,
  maxItems: count,
  minLength: count,
  maxLength: count,
  enum: z.array(z.unknown(), 'a list of values is needed').min(1, 'at least one value is needed').optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown(), 'a list of schemas is needed').min(1, 'at least one schema is needed').optional(),
  $ref: z.string().regex(/^#/, "a reference inside the schema, '#…', is needed").optional(),
  $defs: schemas,
  definitions: schemas,
};
/** They say nothing that a text could break. */
const annotations = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  '$schema',
  '$id',
];
const schemaForm = z.looseObject(supported, 'a schema (an object, or true) is needed');
type Schema = z.infer<typeof schemaForm>;

/**
 * The texts that `schema` allows; of an object, its properties in their order and no others. Throws invalid_request that
 * names what cannot be followed. `name` is where the schema stands in the request.
 */
export function schemaGrammar(root: unknown, name: string): Grammar {
  const references = new Map<string, Grammar>();
  let parts = 0;

  function compile(given: unknown, path: string): Grammar {
    if (++parts > maxParts) throw refusal(name, `it has more than ${maxParts} parts`);
    if (given === true) return anyValue;
    const schema = read(given, path);
    if (schema.$ref !== undefined) return refer(schema.$ref, path);
    const values = 'const' in schema ? [schema.const] : schema.enum;
    if (values) {
      parts += values.length;
      const fitting = values.filter((each) => hasType(each, schema.type));
      if (fitting.length === 0) throw refusal(path, `no value is of the type ${schema.type}`);
      return choice(...fitting.map((each) => literal(JSON.stringify(each))));
    }
    if (schema.anyOf) return choice(...schema.anyOf.map((each, index) => compile(each, `${path}.anyOf[${index}]`)));
    const named = [schema.type ?? impliedType(schema) ?? []].flat();
    return named.length === 0 ? anyValue : choice(...named.map((type) => compileType(type, schema, path)));
  }

  function compileType(type: (typeof types)[number], schema: Schema, path: string): Grammar {
    switch (type) {
      case 'object':
        return compileObject(schema, path);
      case 'array': {
        const { minItems, maxItems } = checkOrder(schema, 'minItems', 'maxItems', path);
        return array(
          schema.items === undefined ? anyValue : compile(schema.items, `${path}.items`),
          minItems,
          maxItems,
        );
      }
      case 'string': {
        const { minLength, maxLength } = checkOrder(schema, 'minLength', 'maxLength', path);
        return string(minLength, maxLength);
      }
      default:
        return { number, integer, boolean, null: nothing }[type];
    }
  }

  function compileObject(
    { properties = {}, required = [], additionalProperties: others = true }: Schema,
    path: string,
  ) {
    const names = [...new Set([...Object.keys(properties), ...required])];
    if (names.length === 0) {
      if (others === false) return literal('{}');
      return others === true ? anyObject : map(compile(others, `${path}.additionalProperties`));
    }
    const members = names.map((each): Member => {
      const own = Object.hasOwn(properties, each) ? properties[each] : others;
      if (own === false) throw refusal(path, `'${each.slice(0, 100)}' is required, and no such property is allowed`);
      return { name: each, value: compile(own, `${path}.properties.${each}`), required: required.includes(each) };
    });
    return object(members);
  }

  /** A schema that contains itself is compiled once, when it is first met. */
  function refer(reference: string, path: string): Grammar {
    const known = references.get(reference);
    if (known) return known;
    let made: Grammar | undefined;
    const lazy: Grammar = { kind: 'lazy', get: () => made! };
    references.set(reference, lazy);
    made = compile(resolve(root, reference, path), reference);
    return lazy;
  }

  return compile(root, name);
}

function read(given: unknown, path: string): Schema {
  const parsed = schemaForm.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refusal([path, ...(issue?.path ?? [])].join('.'), issue?.message ?? 'a schema is needed');
  }
  const unknown = Object.keys(parsed.data).find((key) => !Object.hasOwn(supported, key) && !annotations.includes(key));
  if (unknown !== undefined) {
    throw refusal(path, `'${unknown.slice(0, 100)}' cannot be followed; ${Object.keys(supported).join(', ')} can`);
  }
  checkAlone(parsed.data, path);
  return parsed.data;
}

/** These decide alone what is allowed; a decoder cannot be held to them and to something else at once. */
function checkAlone(schema: Schema, path: string): void {
  const deciding = (['$ref', 'anyOf', 'const', 'enum'] as const).find((key) => key in schema);
  if (!deciding) return;
  const beside = [deciding, '$defs', 'definitions', ...(deciding === 'const' || deciding === 'enum' ? ['type'] : [])];
  const other = Object.keys(supported).find((key) => key in schema && !beside.includes(key));
  if (other) throw refusal(path, `'${other.slice(0, 100)}' cannot be followed beside '${deciding}'`);
}

function hasType(value: unknown, given: Schema['type']): boolean {
  const name = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return [given ?? name].flat().some((type) => type === name || (type === 'integer' && Number.isInteger(value)));
}

function impliedType(schema: Schema): (typeof types)[number] | undefined {
  if (schema.properties || schema.required || schema.additionalProperties !== undefined) return 'object';
  return schema.items !== undefined ? 'array' : undefined;
}

function checkOrder<Least extends keyof Schema, Most extends keyof Schema>(
  schema: Schema,
  least: Least,
  most: Most,
  path: string,
) {
  if ((schema[least] as number) > (schema[most] as number)) {
    throw refusal(path, `${String(least)} is larger than ${String(most)}`);
  }
  return schema;
}

/** Source: RFC 6901, JSON Pointer, as the fragment of a URI. */
function resolve(root: unknown, reference: string, path: string): unknown {
  let value = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decodePart(part)?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (key === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw refusal(path, `$ref '${reference.slice(0, 100)}' leads nowhere`);
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** undefined: a % that encodes nothing. */
function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function refusal(path: string, reason: string): ServiceError {
  const place = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return new ServiceError('invalid_request', `${place}: ${reason}`);
}
