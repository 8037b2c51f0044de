import type { JsonSchema } from './json-schema.ts';

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A schema as nested lists: the type, then the fields. */
export function renderSchema(schema: JsonSchema): string {
  const fields = renderFields(schema);
  return `<span class="type">${renderType(schema)}</span>${fields}`;
}

function renderFields(schema: JsonSchema): string {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map((form: JsonSchema) => renderFields(form)).join('');
  if (schema.items && typeof schema.items === 'object') return renderFields(schema.items as JsonSchema);
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  if (properties.length === 0) return '';
  const required = (schema.required ?? []) as readonly string[];
  const lines = properties.map(([name, field]) => {
    const notes = [
      required.includes(name) ? 'required' : '',
      field.default === undefined ? '' : `default ${JSON.stringify(field.default)}`,
    ];
    const note = notes.filter(Boolean).join(', ');
    const says = typeof field.description === 'string' ? ` ${escapeHtml(field.description)}` : '';
    const head = `<code>${escapeHtml(name)}</code> <span class="type">${renderType(field)}</span>`;
    return `<li>${head}${note && ` <span class="note">${escapeHtml(note)}</span>`}${says}${renderFields(field)}</li>`;
  });
  return `<ul class="fields">${lines.join('')}</ul>`;
}

function renderType(schema: JsonSchema): string {
  const { $ref, anyOf, items, type } = schema;
  if (typeof $ref === 'string') {
    const name = escapeHtml($ref.split('/').at(-1) ?? '');
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (Array.isArray(anyOf)) return [...new Set(anyOf.map((form: JsonSchema) => renderType(form)))].join(' or ');
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => escapeHtml(JSON.stringify(value))).join(', ');
  if (schema.const !== undefined) return escapeHtml(JSON.stringify(schema.const));
  if (type === 'array') return `list of ${items ? renderType(items as JsonSchema) : 'values'}${range(schema, 'Items')}`;
  if (type === undefined) return 'any value';
  return (
    escapeHtml([type].flat().join(' or ')) +
    range(schema, typeof type === 'string' && type === 'string' ? 'Length' : '')
  );
}

function range(schema: JsonSchema, of: 'Items' | 'Length' | ''): string {
  const least = schema[of === '' ? 'minimum' : `min${of}`];
  const most = schema[of === '' ? 'maximum' : `max${of}`];
  const bounded = typeof most === 'number' && most < Number.MAX_SAFE_INTEGER;
  if (typeof least !== 'number' && !bounded) return '';
  if (typeof least === 'number' && bounded) return ` (${least} to ${most})`;
  return typeof least === 'number' ? ` (from ${least})` : ` (to ${most})`;
}
