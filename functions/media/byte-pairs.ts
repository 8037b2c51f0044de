/** A merge's rank and the symbol that it makes, packed into one number: rank × 2^26 + id. */
const idRange = 2 ** 26;
/** A pair's rank and place, packed the same way for the heap: the lowest rank first, the leftmost of these. */
const placeRange = 2 ** 26;

/**
 * Byte-pair merging of one word in O(n log n) whatever it holds: symbols → symbols, by the merge of the lowest rank until
 * none is left. Source: the BPE model of Hugging Face's tokenizers (`Word::merge_all`).
 */
export function createMerge(
  merges: readonly (readonly [string, string])[],
  ids: ReadonlyMap<string, number>,
): (word: string[]) => string[] {
  const pairs = new Map<number, number>();
  merges.forEach(([left, right], rank) => {
    const [first, second, merged] = [ids.get(left), ids.get(right), ids.get(left + right)];
    if (first !== undefined && second !== undefined && merged !== undefined) {
      pairs.set(first * idRange + second, rank * idRange + merged);
    }
  });
  return (word) => mergeWord(word, pairs, ids);
}

function mergeWord(word: string[], pairs: ReadonlyMap<number, number>, vocabulary: ReadonlyMap<string, number>) {
  const symbols = [...word];
  // Ids of the symbols and places of those to either side. One that has been merged away holds '' and the id -1.
  const ids = new Float64Array(word.length);
  const next = new Int32Array(word.length);
  const previous = new Int32Array(word.length);
  for (let place = 0; place < word.length; place++) {
    ids[place] = vocabulary.get(word[place]!) ?? -1;
    next[place] = place + 1 < word.length ? place + 1 : -1;
    previous[place] = place - 1;
  }
  const heap: number[] = [];
  const mergeAt = (place: number) => {
    const right = place < 0 ? -1 : next[place]!;
    if (right < 0 || ids[place]! < 0 || ids[right]! < 0) return undefined;
    return pairs.get(ids[place]! * idRange + ids[right]!);
  };
  const consider = (place: number) => {
    const merge = mergeAt(place);
    if (merge !== undefined) push(heap, Math.floor(merge / idRange) * placeRange + place);
  };
  for (let place = 0; place + 1 < word.length; place++) consider(place);
  while (heap.length > 0) {
    const least = pop(heap);
    const place = least % placeRange;
    const merge = mergeAt(place);
    // What stood there when the pair was noted may have been merged since.
    if (merge === undefined || Math.floor(merge / idRange) !== Math.floor(least / placeRange)) continue;
    const right = next[place]!;
    symbols[place] += symbols[right]!;
    symbols[right] = '';
    ids[place] = merge % idRange;
    ids[right] = -1;
    next[place] = next[right]!;
    if (next[right]! >= 0) previous[next[right]!] = place;
    consider(previous[place]!);
    consider(place);
  }
  return symbols.filter((symbol) => symbol !== '');
}

/** A binary heap of numbers, the least on top. */
function push(heap: number[], value: number): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number {
  const least = heap[0]!;
  const value = heap.pop()!;
  if (heap.length === 0) return least;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return least;
}
