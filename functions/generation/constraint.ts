import { ServiceError } from '../errors.ts';
import { type Grammar, type State, startOf } from './grammar.ts';

/** A model's tokens in the order of their bytes, so that what those with one beginning share is looked at once. */
export interface Vocabulary {
  readonly ids: Uint32Array;
  readonly bytes: readonly Uint8Array[];
  /** Bytes that a token has in common with the one before it. */
  readonly shared: Uint16Array;
  /** One more than the largest id. */
  readonly size: number;
}

/** `tokens`: the bytes of each token that stands for text. */
export function createVocabulary(tokens: ReadonlyMap<number, Uint8Array>): Vocabulary {
  const sorted = [...tokens].filter(([, bytes]) => bytes.length > 0).sort(([, a], [, b]) => Buffer.compare(a, b));
  const shared = new Uint16Array(sorted.length);
  for (let index = 1; index < sorted.length; index++) {
    const [before, bytes] = [sorted[index - 1]![1], sorted[index]![1]];
    let length = 0;
    while (length < Math.min(before.length, bytes.length) && before[length] === bytes[length]) length++;
    shared[index] = length;
  }
  return {
    ids: Uint32Array.from(sorted, ([id]) => id),
    bytes: sorted.map(([, bytes]) => bytes),
    shared,
    size: sorted.reduce((most, [id]) => Math.max(most, id + 1), 0),
  };
}

/** Holds a generation to a language, token by token. */
export interface Constraint {
  /** Tokens that may come next, if there is any; `ends`: the text may be over. Throws invalid_request where neither is so. */
  next(): { readonly allowed: (id: number) => boolean; readonly any: boolean; readonly ends: boolean };
  /** `id`, one of the allowed tokens, has come. */
  push(id: number): void;
}

export function createConstraint(grammar: Grammar, vocabulary: Vocabulary): Constraint {
  const masks = new Map<State, { mask: Uint8Array; any: boolean }>();
  const places = new Map(Array.from(vocabulary.ids, (id, place) => [id, place]));
  let state = startOf(grammar);
  return {
    next() {
      const { mask, any } = masks.get(state) ?? computeMask(state, vocabulary);
      masks.set(state, { mask, any });
      if (!any && !state.accepting) {
        throw new ServiceError(
          'invalid_request',
          'the form of the answer: no text fits it, or the model has no tokens for one',
        );
      }
      return { allowed: (id) => mask[id] === 1, any, ends: state.accepting };
    },
    push(id) {
      for (const value of vocabulary.bytes[places.get(id) ?? -1] ?? []) state = state.after(value) ?? state;
    },
  };
}

/** A 1 for each token whose bytes go on from `state`. */
function computeMask(state: State, { ids, bytes, shared, size }: Vocabulary): { mask: Uint8Array; any: boolean } {
  const mask = new Uint8Array(size);
  /** States behind the first bytes of the token before, as far as it went. */
  const path: State[] = [state];
  let known = 0;
  let any = false;
  for (let index = 0; index < ids.length; index++) {
    const token = bytes[index]!;
    if (shared[index]! > known) continue; // it begins as one that did not go on
    known = shared[index]!;
    while (known < token.length) {
      const next = path[known]!.after(token[known]!);
      if (!next) break;
      path[++known] = next;
    }
    if (known === token.length) {
      mask[ids[index]!] = 1;
      any = true;
    }
  }
  return { mask, any };
}
