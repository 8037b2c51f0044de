import * as z from 'zod';
import { isMissing } from '../../tasks/table-input.ts';
import type { DatasetDefinition } from '../dataset-definition.ts';
import { Dropped } from '../read/unit.ts';
import type { ColumnsTransform } from '../transform/transform-schema.ts';
import { cleanText } from './inspect-text.ts';

const json = z.json();

export type Row = Record<string, z.infer<typeof json>>;

/** The row that a model is given: columns chosen, renamed and of their types. Throws Dropped. */
export function toRow(found: Readonly<Record<string, unknown>>, definition: DatasetDefinition): Row {
  const { inputs, transform, clean } = definition;
  const aside = asideColumns(definition);
  const names = inputs.columns ?? Object.keys(found).filter((name) => !aside.has(name));
  const absent = names.find((name) => !Object.hasOwn(found, name));
  if (absent !== undefined) throw new Dropped('no-inputs', `the row has no column '${absent}'${known(found)}`);
  const row: Row = {};
  for (const name of names) {
    const renamed = transform.columns?.rename[name] ?? name;
    if (transform.columns?.drop.includes(renamed)) continue;
    const value = typed(found[name], renamed, transform.columns);
    if (clean.missing && isMissingValue(value))
      throw new Dropped('missing-values', `the column '${renamed}' is missing`);
    row[renamed] = typeof value === 'string' ? cleanText(value, clean) : value;
  }
  if (Object.values(row).every(isMissingValue)) throw new Dropped('empty', 'no column has a value');
  return row;
}

/** The names that there are, so that a slip of the pen is seen. */
export function known(found: Readonly<Record<string, unknown>>): string {
  return `; it has ${Object.keys(found).slice(0, 12).join(', ').slice(0, 300)}`;
}

/** Columns that say something about the record. */
function asideColumns({ label, group, split }: DatasetDefinition): Set<string> {
  const columns = [label ?? { from: 'column', column: 'label' }, group, split.given];
  return new Set(columns.flatMap((place) => (place?.from === 'column' ? [place.column] : [])));
}

function typed(value: unknown, name: string, columns: ColumnsTransform | undefined): Row[string] {
  const type = columns?.types[name];
  if (value instanceof Uint8Array) throw new Dropped('undecodable', `the column '${name}' holds bytes`);
  if (type === undefined) return typeof value === 'object' ? json.parse(value) : ((value ?? null) as Row[string]);
  if (isMissing(value as string)) return null;
  if (type === 'text') return typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (type === 'number') {
    const number = typeof value === 'number' ? value : Number(String(value).trim());
    if (Number.isFinite(number)) return number;
  } else {
    const text = String(value).trim().toLowerCase();
    if (/^(?:true|yes|1|t|y)$/.test(text)) return true;
    if (/^(?:false|no|0|f|n)$/.test(text)) return false;
  }
  throw new Dropped(
    'broken-row',
    `the column '${name}' is ${JSON.stringify(value)?.slice(0, 40)}; a ${type} is needed`,
  );
}

function isMissingValue(value: Row[string]): boolean {
  return value === null || (typeof value === 'string' && isMissing(value));
}

/** The numbers of a row, by column; a text that is a number, as CSV has them, is one. */
export function numbersOf(row: Row): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, value] of Object.entries(row)) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) found[`column ${name}`] = number;
  }
  return found;
}

/** The same text for rows that differ in nothing but the order of their columns. */
export function canonicalRow(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
