import * as z from 'zod';
import { Dropped } from '../read/unit.ts';
import type { LabelKind } from '../record-kinds.ts';
import type { LabelsTransform } from '../transform/transform-schema.ts';

const side = z.number();
const boxesSchema = z.array(
  z.looseObject({ label: z.string(), box: z.object({ xmin: side, ymin: side, xmax: side, ymax: side }) }),
);

export type Boxes = z.infer<typeof boxesSchema>;
export type Label = z.infer<ReturnType<typeof z.json>>;

const json = z.json();

/** A label as its task has it; undefined: there is none. Throws Dropped where it is none that the task can have. */
export function readLabel(value: unknown, kind: LabelKind, transform: LabelsTransform | undefined): Label | undefined {
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) return undefined;
  if (Array.isArray(value) && value.length === 0 && kind !== 'boxes') return undefined;
  if (kind === 'class') return readClass(value, transform);
  if (kind === 'number') return readNumber(value);
  if (kind === 'text') return typeof value === 'object' ? bad(value, 'a text is needed') : String(value).trim();
  if (kind === 'boxes') {
    const parsed = boxesSchema.safeParse(typeof value === 'string' ? parseJson(value) : value);
    if (!parsed.success) return bad(value, 'a list of { label, box: { xmin, ymin, xmax, ymax } } is needed');
    return json.parse(parsed.data);
  }
  const parsed = json.safeParse(value);
  return parsed.success ? parsed.data : bad(value, 'JSON is needed');
}

function readClass(value: unknown, transform: LabelsTransform | undefined): Label | undefined {
  if (Array.isArray(value)) {
    const labels = value.map((one) => mapLabel(toClass(one), transform)).filter((one) => one !== undefined);
    if (labels.length > 0) return [...new Set(labels)];
  } else {
    const label = mapLabel(toClass(value), transform);
    if (label !== undefined) return label;
  }
  throw new Dropped('label-left-out', `the label ${shown(value)} is left out by transform.labels`);
}

function toClass(value: unknown): string {
  if (typeof value === 'object' || value === undefined) return bad(value, 'the name of a class is needed');
  return String(value).trim();
}

function mapLabel(label: string, transform: LabelsTransform | undefined): string | undefined {
  if (!transform) return label;
  if (Object.hasOwn(transform.map, label)) return transform.map[label] ?? undefined;
  return transform.others === 'keep' ? label : undefined;
}

function readNumber(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(String(value).trim());
  return Number.isFinite(number) ? number : bad(value, 'a number is needed');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(value: unknown, needed: string): never {
  throw new Dropped('bad-label', `the label is ${shown(value)}; ${needed}`);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}

/** The classes that a label names: one, several, or those of its boxes. */
export function classesOf(label: Label | undefined, kind: LabelKind): string[] | undefined {
  if (label === undefined) return undefined;
  if (kind === 'class') return [label].flat() as string[];
  if (kind !== 'boxes') return undefined;
  return [...new Set((label as Boxes).map((box) => box.label))];
}
