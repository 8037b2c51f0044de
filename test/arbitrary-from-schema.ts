import fc from 'fast-check';

type Schema = { readonly [keyword: string]: unknown };

/** Values that a JSON Schema describes; `resolve` finds what a $ref leads to. */
export function arbitraryFromSchema(schema: Schema, resolve: (reference: string) => Schema): fc.Arbitrary<unknown> {
  const inner = (one: unknown) => arbitraryFromSchema((one ?? {}) as Schema, resolve);
  if (typeof schema.$ref === 'string') return inner(resolve(schema.$ref));
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map(inner));
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => inner({ ...schema, type })));
  switch (schema.type) {
    case 'string':
      return strings(schema);
    case 'integer':
      return integers(schema);
    case 'number':
      return fc.double({ min: numberOf(schema.minimum, -1e6), max: numberOf(schema.maximum, 1e6), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return arrays(schema, inner);
    case 'object':
      return objects(schema, inner);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function strings({ minLength, maxLength, pattern }: Schema): fc.Arbitrary<string> {
  const minimum = numberOf(minLength, 0);
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  return fc.string({
    minLength: minimum,
    maxLength: Math.min(numberOf(maxLength, 20), minimum + 20),
    unit: 'grapheme',
  });
}

function integers({ minimum, maximum }: Schema): fc.Arbitrary<number> {
  const least = numberOf(minimum, -1000);
  return fc.integer({ min: least, max: Math.min(numberOf(maximum, 1000), least + 5000) });
}

function arrays({ items, prefixItems, minItems, maxItems }: Schema, inner: (one: unknown) => fc.Arbitrary<unknown>) {
  if (Array.isArray(prefixItems)) return fc.tuple(...prefixItems.map(inner));
  const least = numberOf(minItems, 0);
  return fc.array(inner(items), { minLength: least, maxLength: Math.min(numberOf(maxItems, 3), least + 3) });
}

function objects(schema: Schema, inner: (one: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = (schema.required ?? []) as string[];
  const named = fc.record(Object.fromEntries(properties.map(([name, one]) => [name, inner(one)])), {
    requiredKeys: required,
  });
  const { additionalProperties, propertyNames } = schema;
  if (typeof additionalProperties !== 'object') return named;
  const names = inner({ type: 'string', ...(propertyNames as object) }) as fc.Arbitrary<string>;
  const others = fc.dictionary(names, inner(additionalProperties), { maxKeys: 3 });
  return fc.tuple(others, named).map(([more, fields]) => ({ ...more, ...fields }));
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** `value` with one thing wrong: a field missing, unknown or of another type, or another type altogether. */
export function spoil(value: unknown): fc.Arbitrary<unknown> {
  const wrong = fc.constantFrom<unknown>(null, true, 'x', -1.5, [], [[[]]], { unknown: 1 });
  if (typeof value !== 'object' || value === null) return wrong;
  if (Array.isArray(value))
    return fc.oneof(
      wrong,
      wrong.map((one) => [...value, one]),
    );
  const names = Object.keys(value);
  const broken = [wrong, fc.constant({ ...value, 'no such field': 1 })];
  if (names.length > 0) {
    const name = fc.constantFrom(...names);
    broken.push(
      name.map((left) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== left))),
      fc.tuple(name, wrong).map(([key, one]) => ({ ...value, [key]: one })),
    );
  }
  return fc.oneof(...broken);
}
