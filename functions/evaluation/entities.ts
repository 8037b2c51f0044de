/** A piece of a text with its kind, from `start` up to before `end`. */
export interface Entity {
  readonly label: string;
  readonly start: number;
  readonly end: number;
}

/** Of each kind: entities that are there, that were found, and that are both, at the same place. Source: seqeval. */
export function countEntities(
  truth: readonly Entity[],
  found: readonly Entity[],
): Map<string, { hits: number; support: number; predicted: number }> {
  const tallies = new Map<string, { hits: number; support: number; predicted: number }>();
  const tallyOf = (label: string) => {
    const tally = tallies.get(label) ?? { hits: 0, support: 0, predicted: 0 };
    tallies.set(label, tally);
    return tally;
  };
  const place = ({ label, start, end }: Entity) => JSON.stringify([label, start, end]);
  const left = new Set(truth.map(place));
  for (const { label } of distinct(truth, place)) tallyOf(label).support += 1;
  for (const entity of distinct(found, place)) {
    const tally = tallyOf(entity.label);
    tally.predicted += 1;
    if (left.has(place(entity))) tally.hits += 1;
  }
  return tallies;
}

function distinct(entities: readonly Entity[], place: (entity: Entity) => string): Entity[] {
  return [...new Map(entities.map((entity) => [place(entity), entity])).values()];
}

/**
 * Tags of tokens (B-PER, I-PER, O; also of the schemes IO, IOE and IOBES) → entities by token, the last one included in
 * `end` exclusively. Source: seqeval, get_entities, its lenient mode.
 */
export function entitiesOfTags(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let before = { tag: 'O', label: '' };
  let start = 0;
  for (const [index, text] of [...tags, 'O'].entries()) {
    const current = { tag: text[0] ?? 'O', label: text.slice(1).replace(/^-/, '') || '_' };
    if (ends(before, current)) entities.push({ label: before.label, start, end: index });
    if (begins(before, current)) start = index;
    before = current;
  }
  return entities;
}

interface Tag {
  readonly tag: string;
  readonly label: string;
}

function ends(before: Tag, current: Tag): boolean {
  if (before.tag === 'E' || before.tag === 'S') return true;
  if ((before.tag === 'B' || before.tag === 'I') && ['B', 'S', 'O'].includes(current.tag)) return true;
  return before.tag !== 'O' && before.tag !== '.' && before.label !== current.label;
}

function begins(before: Tag, current: Tag): boolean {
  if (current.tag === 'B' || current.tag === 'S') return true;
  if (['E', 'S', 'O'].includes(before.tag) && (current.tag === 'E' || current.tag === 'I')) return true;
  return current.tag !== 'O' && current.tag !== '.' && before.label !== current.label;
}
