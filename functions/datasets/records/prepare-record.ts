import type { DatasetDefinition, Place } from '../dataset-definition.ts';
import { capturesOf } from '../file-pattern.ts';
import type { PreparedRecord } from '../prepared-record.ts';
import type { FoundRecord } from '../read/found-record.ts';
import { Dropped } from '../read/unit.ts';
import { taskRecords } from '../record-kinds.ts';
import { moveBoxes } from '../transform/move-boxes.ts';
import type { Facts } from './facts.ts';
import { digestOf, type Inspected } from './inspect-file.ts';
import { inspectInputs } from './inspect-inputs.ts';
import { type Boxes, classesOf, type Label, readLabel } from './read-label.ts';
import { placeOf, readPlace } from './read-place.ts';
import type { SideTable } from './side-table.ts';

/** A record that is kept so far, and what the decisions need of it (its size in the block comes later). */
export interface CleanRecord {
  readonly record: PreparedRecord;
  readonly facts: Omit<Facts, 'bytes'>;
}

/**
 * A record as it was uploaded → as a model and an evaluation take it. Depends on nothing but the record, dataset.json and its
 * side tables. Throws Dropped.
 */
export async function prepareRecord(
  found: FoundRecord,
  definition: DatasetDefinition,
  tables: ReadonlyMap<Place, SideTable>,
): Promise<CleanRecord> {
  const kind = taskRecords[definition.task];
  const place = (name: 'label' | 'group' | 'split') => {
    const where = placeOf(definition, name, found);
    return where && readPlace(where, name, found, tables);
  };
  const label = readLabel(place('label'), kind.label, definition.transform.labels);
  const inspected = await inspectInputs(found, definition);
  checkLimits(inspected, definition);
  if (label === undefined && definition.clean.unlabelled && saysLabels(definition)) {
    throw new Dropped('no-label', 'there is no label where dataset.json says');
  }
  const { inputs, digest, measures, look, moved } = inspected;
  const seen = moved && kind.label === 'boxes' && label ? moveBoxes(label as Boxes, moved.move, moved) : label;
  const [group, split] = [toText(place('group')), toText(place('split'))];
  const id = digest.slice(0, 24);
  const labelled = seen === undefined ? {} : { label: seen as Label };
  return {
    record: { id, inputs, ...labelled, ...(group && { group }), source: found.source },
    facts: {
      id,
      measures,
      ...(seen !== undefined && { label: digestOf(JSON.stringify(seen)).slice(0, 8), ...classes(seen, kind.label) }),
      ...(group && { group: digestOf(group).slice(0, 16) }),
      ...(split && { split }),
      ...(look && { look: hex(look.high) + hex(look.low) }),
    },
  };
}

function classes(label: unknown, kind: Parameters<typeof classesOf>[1]): { classes?: string[] } {
  const found = classesOf(label as Label, kind);
  return found ? { classes: found } : {};
}

function saysLabels({ label, inputs }: DatasetDefinition): boolean {
  if (label) return label.from !== 'none';
  return [inputs.files ?? []].flat().some((pattern) => capturesOf(pattern).includes('label'));
}

function toText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function hex(bits: number): string {
  return bits.toString(16).padStart(8, '0');
}

const lengths: readonly string[] = ['characters', 'words', 'seconds'];

function checkLimits({ measures }: Inspected<unknown>, { clean }: DatasetDefinition): void {
  for (const [name, { min, max }] of Object.entries(clean.limits)) {
    const value = measures[name];
    if (value === undefined) continue;
    const isLength = lengths.includes(name);
    const given = `${name}: ${Math.round(value * 1000) / 1000}`;
    if (min !== undefined && value < min) {
      throw new Dropped(isLength ? 'too-short' : 'too-small', `${given}; at least ${min} is asked for`);
    }
    if (max !== undefined && value > max) {
      throw new Dropped(isLength ? 'too-long' : 'too-big', `${given}; at most ${max} is asked for`);
    }
  }
}
