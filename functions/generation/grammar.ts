/** A regular or context-free language over bytes. */
export type Grammar =
  | { readonly kind: 'literal'; readonly bytes: Uint8Array }
  /** One byte within one of these ranges, both ends included. */
  | { readonly kind: 'byte'; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Grammar[] }
  | { readonly kind: 'choice'; readonly options: readonly Grammar[] }
  | { readonly kind: 'repeat'; readonly part: Grammar; readonly least: number; readonly most: number }
  | { readonly kind: 'lazy'; readonly get: () => Grammar };

export const literal = (text: string): Grammar => ({ kind: 'literal', bytes: Buffer.from(text) });
export const byte = (...ranges: [number, number][]): Grammar => ({ kind: 'byte', ranges });
export const sequence = (...parts: Grammar[]): Grammar => ({ kind: 'sequence', parts });
export const choice = (...options: Grammar[]): Grammar => ({ kind: 'choice', options });
export const repeat = (part: Grammar, least = 0, most = Number.POSITIVE_INFINITY): Grammar => {
  return { kind: 'repeat', part, least, most };
};

/** What may follow some bytes. Equal states are one object. */
export interface State {
  /** What stands here may be the whole. */
  readonly accepting: boolean;
  /** The state behind `byte`; undefined: no text of the language goes on so. */
  after(byte: number): State | undefined;
}

/** What is still to be matched: `node` from `at` on, then `next`. */
interface Stack {
  readonly id: number;
  readonly node: Grammar;
  /** Bytes of a literal, parts of a sequence or rounds of a repetition that are behind. */
  readonly at: number;
  readonly next: Stack | undefined;
}

/** The first state of an automaton that recognises `grammar`. Its states are made when they are first needed. */
export function startOf(grammar: Grammar): State {
  const nodes = new Map<Grammar, number>();
  const stacks = new Map<string, Stack>();
  const states = new Map<string, State>();

  function push(node: Grammar, at: number, next: Stack | undefined): Stack {
    const number = nodes.get(node) ?? nodes.size;
    nodes.set(node, number);
    const key = `${number} ${at} ${next?.id ?? ''}`;
    const stack = stacks.get(key) ?? { id: stacks.size, node, at, next };
    stacks.set(key, stack);
    return stack;
  }

  /** What `stack` can be instead, until it waits for a byte (undefined). */
  function resolve({ node, at, next }: Stack): (Stack | undefined)[] | undefined {
    switch (node.kind) {
      case 'byte':
        return undefined;
      case 'literal':
        return at === node.bytes.length ? [next] : undefined;
      case 'sequence':
        return [at === node.parts.length ? next : push(node.parts[at]!, 0, push(node, at + 1, next))];
      case 'choice':
        return node.options.map((option) => push(option, 0, next));
      case 'lazy':
        return [push(node.get(), 0, next)];
      case 'repeat': {
        const enough = at >= node.least ? [next] : [];
        if (at === node.most) return enough;
        // Without an upper bound rounds need no counting beyond the least.
        const round = node.most === Number.POSITIVE_INFINITY ? Math.min(at + 1, node.least) : at + 1;
        return [...enough, push(node.part, 0, push(node, round, next))];
      }
    }
  }

  function stateOf(rests: readonly (Stack | undefined)[]): State | undefined {
    const waiting = new Set<Stack | undefined>();
    const seen = new Set(rests);
    for (const rest of seen) {
      const instead = rest && resolve(rest);
      if (!instead) waiting.add(rest);
      else for (const each of instead) seen.add(each);
    }
    if (waiting.size === 0) return undefined;
    const accepting = waiting.delete(undefined);
    const list = [...(waiting as Set<Stack>)].sort((a, b) => a.id - b.id);
    const key = `${accepting} ${list.map(({ id }) => id).join(' ')}`;
    const state = states.get(key) ?? createState(accepting, list);
    states.set(key, state);
    return state;
  }

  function createState(accepting: boolean, waiting: readonly Stack[]): State {
    const known: (State | undefined | null)[] = [];
    return {
      accepting,
      after(value) {
        if (known[value] !== undefined) return known[value] ?? undefined;
        const state = stateOf(waiting.flatMap((stack) => match(stack, value)));
        known[value] = state ?? null;
        return state;
      },
    };
  }

  /** The rest behind `value`; none where it does not fit. */
  function match({ node, at, next }: Stack, value: number): (Stack | undefined)[] {
    if (node.kind === 'literal') return node.bytes[at] === value ? [push(node, at + 1, next)] : [];
    const fits = node.kind === 'byte' && node.ranges.some(([from, to]) => from <= value && value <= to);
    return fits ? [next] : [];
  }

  return stateOf([push(grammar, 0, undefined)]) ?? { accepting: false, after: () => undefined };
}
