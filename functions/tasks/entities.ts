/** A token with the shares of the labels. Places are in UTF-16 units. */
export interface TokenScores {
  readonly scores: readonly number[];
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** Its place in the row. */
  readonly index: number;
  /** It goes on with the word of the token before. */
  readonly inside: boolean;
}

export interface Entity {
  readonly entity_group: string;
  readonly score: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** With its B- or I-. */
  readonly entity?: string;
  readonly index?: number;
}

type Join = (tokens: readonly string[]) => string;

/** Tokens → words, whose label is that of the first token, of the surest one, or of the mean of all. */
export function groupWords(
  tokens: readonly TokenScores[],
  strategy: 'first' | 'average' | 'max',
  labelOf: (index: number) => string,
  join: Join,
): Entity[] {
  const words: TokenScores[][] = [];
  for (const token of tokens) {
    if (token.inside && words.length > 0) words.at(-1)!.push(token);
    else words.push([token]);
  }
  return words.map((word) => {
    const scores = chooseScores(word, strategy);
    const score = Math.max(...scores);
    const entity = labelOf(scores.indexOf(score));
    const text = join(word.map((token) => token.word));
    return { entity, entity_group: entity, score, word: text, start: word[0]!.start, end: word.at(-1)!.end };
  });
}

function chooseScores(word: readonly TokenScores[], strategy: 'first' | 'average' | 'max'): readonly number[] {
  const first = word[0]!.scores;
  if (strategy === 'first') return first;
  if (strategy === 'average') {
    return first.map((_, label) => word.reduce((sum, { scores }) => sum + scores[label]!, 0) / word.length);
  }
  const surest = word.reduce((best, token) => (Math.max(...token.scores) > Math.max(...best.scores) ? token : best));
  return surest.scores;
}

/** Neighbours of one tag → one entity; B- begins a new one. */
export function groupEntities(entities: readonly Entity[], join: Join): Entity[] {
  const groups: Entity[][] = [];
  for (const entity of entities) {
    const last = groups.at(-1)?.at(-1);
    const begins = entity.entity?.startsWith('B-');
    if (last && !begins && tagOf(last) === tagOf(entity)) groups.at(-1)!.push(entity);
    else groups.push([entity]);
  }
  return groups.map((group) => ({
    entity_group: group[0]!.entity!.replace(/^[^-]*-/, ''),
    score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
    word: join(group.map(({ word }) => word)),
    start: group[0]!.start,
    end: group.at(-1)!.end,
  }));
}

function tagOf({ entity = '' }: Entity): string {
  return entity.replace(/^[BI]-/, '');
}

/** Of entities that windows of a long text found in the same place the longest one stays, of equal ones the surest. */
export function dropOverlaps(entities: readonly Entity[]): Entity[] {
  const [first, ...others] = [...entities].sort((a, b) => a.start - b.start);
  if (!first) return [];
  const kept: Entity[] = [];
  let previous = first;
  for (const entity of others) {
    if (entity.start >= previous.end) {
      kept.push(previous);
      previous = entity;
      continue;
    }
    const longer = entity.end - entity.start - (previous.end - previous.start);
    if (longer > 0 || (longer === 0 && entity.score > previous.score)) previous = entity;
  }
  return [...kept, previous];
}
