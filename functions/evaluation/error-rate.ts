import { ServiceError } from '../errors.ts';

export interface ErrorRate {
  /** Edits per unit of the reference: the word or character error rate. May exceed 1. */
  readonly errorRate: number;
  /** Edits per unit of the alignment. */
  readonly matchErrorRate: number;
  readonly informationLost: number;
}

/** Counts of one alignment: cost is substitutions + deletions + insertions. */
interface Alignment {
  readonly cost: number;
  readonly hits: number;
}

/** Over words, which white space separates. Throws invalid_request where a reference is empty. Source: jiwer, measures. */
export function wordErrorRate(references: readonly string[], hypotheses: readonly string[]): ErrorRate {
  return errorRate(references, hypotheses, (text) => text.split(/\s+/).filter((word) => word !== ''));
}

/** Over characters (Unicode code points), spaces included. */
export function characterErrorRate(references: readonly string[], hypotheses: readonly string[]): ErrorRate {
  return errorRate(references, hypotheses, (text) => [...text.trim()]);
}

function errorRate(
  references: readonly string[],
  hypotheses: readonly string[],
  split: (text: string) => string[],
): ErrorRate {
  let [cost, hits, referenceUnits, hypothesisUnits] = [0, 0, 0, 0];
  references.forEach((text, index) => {
    const [reference, hypothesis] = [split(text), split(hypotheses[index]!)];
    if (reference.length === 0) {
      throw new ServiceError(
        'invalid_request',
        `reference ${index} is empty: an error rate needs something to compare`,
      );
    }
    const best = align(reference, hypothesis);
    cost += best.cost;
    hits += best.hits;
    referenceUnits += reference.length;
    hypothesisUnits += hypothesis.length;
  });
  return {
    errorRate: cost / referenceUnits,
    matchErrorRate: cost / (cost + hits),
    informationLost: 1 - (hypothesisUnits === 0 ? 0 : (hits / referenceUnits) * (hits / hypothesisUnits)),
  };
}

/** The alignment of least cost; of several, one with the most hits. Two rows of the table are kept. */
function align(reference: readonly string[], hypothesis: readonly string[]): Alignment {
  let above: Alignment[] = Array.from({ length: hypothesis.length + 1 }, (_, cost) => ({ cost, hits: 0 }));
  reference.forEach((unit, row) => {
    const current: Alignment[] = [{ cost: row + 1, hits: 0 }];
    hypothesis.forEach((other, column) => {
      const diagonal = above[column]!;
      const step =
        unit === other
          ? { cost: diagonal.cost, hits: diagonal.hits + 1 }
          : { cost: diagonal.cost + 1, hits: diagonal.hits };
      current.push(better(step, better(addEdit(above[column + 1]!), addEdit(current[column]!))));
    });
    above = current;
  });
  return above[hypothesis.length]!;
}

function addEdit({ cost, hits }: Alignment): Alignment {
  return { cost: cost + 1, hits };
}

function better(a: Alignment, b: Alignment): Alignment {
  if (a.cost !== b.cost) return a.cost < b.cost ? a : b;
  return a.hits >= b.hits ? a : b;
}
