import { ServiceError } from '../errors.ts';

/** Edits of one alignment, or of many together. */
export interface Edits {
  readonly hits: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

export interface ErrorRate {
  /** Edits per unit of the reference: the word or character error rate. May exceed 1. */
  readonly errorRate: number;
  /** Edits per unit of the alignment. */
  readonly matchErrorRate: number;
  readonly informationLost: number;
}

/** Most units of a text: the alignment of two takes their product in time. */
export const maxUnits = 50_000;

/** Words, which white space separates. */
export function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Characters (Unicode code points), spaces included. */
export function splitCharacters(text: string): string[] {
  return [...text.trim()];
}

/** Source: jiwer, measures. NaN without units in the references: there is nothing to compare with. */
export function errorRate({ hits, substitutions, deletions, insertions }: Edits): ErrorRate {
  const edits = substitutions + deletions + insertions;
  const [reference, hypothesis] = [hits + substitutions + deletions, hits + substitutions + insertions];
  if (reference === 0) return { errorRate: Number.NaN, matchErrorRate: Number.NaN, informationLost: Number.NaN };
  return {
    errorRate: edits / reference,
    matchErrorRate: edits / (edits + hits),
    informationLost: 1 - (hypothesis === 0 ? 0 : (hits / reference) * (hits / hypothesis)),
  };
}

/**
 * The alignment of least edits; of several, one with the most hits. Throws invalid_request where a text is too long.
 */
export function alignUnits(reference: readonly string[], hypothesis: readonly string[]): Edits {
  const longest = Math.max(reference.length, hypothesis.length);
  if (longest > maxUnits) {
    throw new ServiceError('invalid_request', `a text has ${longest} words or characters; ${maxUnits} are allowed`);
  }
  const numbers = new Map([...new Set([...reference, ...hypothesis])].map((unit, number) => [unit, number]));
  const [rows, columns] = [reference, hypothesis].map((units) => Int32Array.from(units, (unit) => numbers.get(unit)!));
  const { cost, hits } = align(rows!, columns!);
  const substitutions = reference.length + hypothesis.length - 2 * hits - cost;
  return {
    hits,
    substitutions,
    deletions: reference.length - hits - substitutions,
    insertions: hypothesis.length - hits - substitutions,
  };
}

/** Cost is substitutions + deletions + insertions. Two rows of the table are kept, as cost × scale − hits: the least is best. */
function align(reference: Int32Array, hypothesis: Int32Array): { cost: number; hits: number } {
  const scale = maxUnits + 1;
  let above = Float64Array.from({ length: hypothesis.length + 1 }, (_, column) => column * scale);
  let current = new Float64Array(hypothesis.length + 1);
  for (let row = 0; row < reference.length; row++) {
    current[0] = (row + 1) * scale;
    for (let column = 0; column < hypothesis.length; column++) {
      const step = reference[row] === hypothesis[column] ? -1 : scale;
      const edit = Math.min(above[column + 1]!, current[column]!) + scale;
      current[column + 1] = Math.min(above[column]! + step, edit);
    }
    [above, current] = [current, above];
  }
  const least = above[hypothesis.length]!;
  const cost = Math.ceil(least / scale);
  return { cost, hits: cost * scale - least };
}
