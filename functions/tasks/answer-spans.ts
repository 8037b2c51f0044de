import { softmax } from './softmax.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/** Shares of the places that may begin, or end, an answer; the others have none. */
export function spanScores(logits: readonly number[], allowed: readonly boolean[]): number[] {
  return softmax(logits.map((logit, at) => (allowed[at] ? logit : -10_000)));
}

/** The likeliest spans of at most `longest` places, by the product of the shares of their ends. */
export function bestSpans(
  start: readonly number[],
  end: readonly number[],
  { allowed, most, longest }: { allowed: readonly boolean[]; most: number; longest: number },
): Span[] {
  const best: Span[] = [];
  for (let from = 0; from < start.length; from++) {
    if (!allowed[from]) continue;
    for (let to = from; to < Math.min(start.length, from + longest); to++) {
      const score = start[from]! * end[to]!;
      if (!allowed[to] || (best.length === most && score <= best.at(-1)!.score)) continue;
      const place = best.findIndex((span) => span.score < score);
      best.splice(place < 0 ? best.length : place, 0, { start: from, end: to, score });
      if (best.length > most) best.pop();
    }
  }
  return best;
}
