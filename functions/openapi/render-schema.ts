import { type Html, html } from '../page/html.ts';
import type { JsonSchema } from './json-schema.ts';

/** A schema as nested lists: the type, then the fields. */
export function renderSchema(schema: JsonSchema): Html {
  return html`<small>${renderType(schema)}</small>${renderFields(schema)}`;
}

function renderFields(schema: JsonSchema): readonly Html[] {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.flatMap((form: JsonSchema) => renderFields(form));
  if (schema.items && typeof schema.items === 'object') return renderFields(schema.items as JsonSchema);
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  if (properties.length === 0) return [];
  const required = (schema.required ?? []) as readonly string[];
  return [html`<ul class="fields">${properties.map(([name, field]) => renderField(name, field, required))}</ul>`];
}

function renderField(name: string, field: JsonSchema, required: readonly string[]): Html {
  const notes = [
    required.includes(name) ? 'required' : '',
    field.default === undefined ? '' : `default ${JSON.stringify(field.default)}`,
  ];
  const says = typeof field.description === 'string' && field.description;
  const note = notes.filter(Boolean).join(', ');
  return html`<li><code>${name}</code> <small>${renderType(field)} ${note}</small> ${says}${renderFields(field)}</li>`;
}

function renderType(schema: JsonSchema): readonly (Html | string)[] {
  const { $ref, anyOf, items, type } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1) ?? '';
    return [html`<a href="#schema-${name}">${name}</a>`];
  }
  if (Array.isArray(anyOf))
    return anyOf.flatMap((form: JsonSchema, at) => [at === 0 ? '' : ' or ', ...renderType(form)]);
  if (Array.isArray(schema.enum)) return [schema.enum.map((value) => JSON.stringify(value)).join(', ')];
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (type === undefined) return ['any value'];
  if (type === 'array')
    return ['list of ', ...(items ? renderType(items as JsonSchema) : ['values']), range(schema, 'Items')];
  return [[type].flat().join(' or '), range(schema, type === 'string' ? 'Length' : '')];
}

function range(schema: JsonSchema, of: 'Items' | 'Length' | ''): string {
  const least = schema[of === '' ? 'minimum' : `min${of}`];
  const most = schema[of === '' ? 'maximum' : `max${of}`];
  const bounded = typeof most === 'number' && most < Number.MAX_SAFE_INTEGER;
  if (typeof least !== 'number' && !bounded) return '';
  if (typeof least === 'number' && bounded) return ` (${least} to ${most})`;
  return typeof least === 'number' ? ` (from ${least})` : ` (to ${most})`;
}
