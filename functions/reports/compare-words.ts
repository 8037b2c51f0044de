import { splitWords } from '../evaluation/error-rate.ts';
import { type Html, html } from '../page/html.ts';

const mostWords = 200;

/** The answer with the words that are missing struck out and those that are too many marked. */
export function compareWords(label: string, answer: string): Html {
  const [wanted, given] = [label, answer].map((text) => splitWords(text).slice(0, mostWords)) as [string[], string[]];
  const shared = sharedLengths(wanted, given);
  const parts: Html[] = [];
  let [i, j] = [0, 0];
  while (i < wanted.length || j < given.length) {
    if (i < wanted.length && j < given.length && wanted[i] === given[j]) {
      parts.push(html`${given[j]!} `);
      i += 1;
      j += 1;
    } else if (j >= given.length || (i < wanted.length && shared[i + 1]![j]! >= shared[i]![j + 1]!)) {
      parts.push(html`<del>${wanted[i]!}</del> `);
      i += 1;
    } else {
      parts.push(html`<ins>${given[j]!}</ins> `);
      j += 1;
    }
  }
  return parts.length > 0 ? html`<bdi>${parts}</bdi>` : html`silence`;
}

/** Length of the longest common subsequence of what follows each pair of places. */
function sharedLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}
