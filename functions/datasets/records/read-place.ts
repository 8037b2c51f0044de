import type { DatasetDefinition, Place } from '../dataset-definition.ts';
import { capturesOf } from '../file-pattern.ts';
import type { FoundRecord } from '../read/found-record.ts';
import { taskRecords } from '../record-kinds.ts';
import { namesOf, type SideTable } from './side-table.ts';

type PlaceName = 'label' | 'group' | 'split';

/** Where a record's label, group or split stands: as dataset.json says, or where it stands by custom. */
export function placeOf(definition: DatasetDefinition, name: PlaceName, found: FoundRecord): Place | undefined {
  const said = name === 'split' ? definition.split.given : definition[name];
  if (said) return said.from === 'none' ? undefined : said;
  const captured = [definition.inputs.files ?? []].flat().some((pattern) => capturesOf(pattern).includes(name));
  if (captured && found.file) return { from: 'path' };
  if (name !== 'label') return undefined;
  if (found.row) return { from: 'column', column: 'label' };
  return taskRecords[definition.task].label === 'class' ? { from: 'folder', level: 1 } : undefined;
}

/** What stands there; undefined: nothing. */
export function readPlace(
  place: Place,
  name: PlaceName,
  { file, row, sidecar }: FoundRecord,
  tables: ReadonlyMap<Place, SideTable>,
): unknown {
  switch (place.from) {
    case 'folder':
      return file?.path.split('/').at(-1 - place.level);
    case 'path':
      return file?.captures[name];
    case 'column':
      return splitAt(row?.[place.column], place.separator);
    case 'sidecar':
      return splitAt(readSidecar(sidecar?.(place.ending), place.field), place.separator);
    case 'table': {
      const table = tables.get(place);
      const known = file && namesOf(file.path).find((one) => table?.has(one));
      return known === undefined ? undefined : splitAt(table!.get(known), place.separator);
    }
    case 'none':
      return undefined;
  }
}

function splitAt(value: unknown, separator: string | undefined): unknown {
  if (separator === undefined || typeof value !== 'string') return value;
  const parts = value.split(separator).map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

/** The text of the file, or a field of its JSON. */
function readSidecar(bytes: Uint8Array | undefined, field: string | undefined): unknown {
  if (!bytes) return undefined;
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim();
  if (field === undefined && !/^[[{]/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    return (field ?? '')
      .split('.')
      .reduce<unknown>((inner, name) => (name === '' ? inner : Object(inner)[name]), value);
  } catch {
    return field === undefined ? text : undefined;
  }
}
