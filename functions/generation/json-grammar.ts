import { byte, choice, type Grammar, literal, repeat, sequence } from './grammar.ts';

/** JSON (RFC 8259) as models write it: compact or indented, numbers of up to 15 digits. */

const digit = byte([0x30, 0x39]);
const continuation = byte([0x80, 0xbf]);
const hexDigit = byte([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);

/** One character of a string: UTF-8 as Unicode has it (table 3-7), or an escape; no half of a surrogate pair. */
const character = choice(
  byte([0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7f]),
  sequence(byte([0xc2, 0xdf]), continuation),
  sequence(literalByte(0xe0), byte([0xa0, 0xbf]), continuation),
  sequence(byte([0xe1, 0xec], [0xee, 0xef]), continuation, continuation),
  sequence(literalByte(0xed), byte([0x80, 0x9f]), continuation),
  sequence(literalByte(0xf0), byte([0x90, 0xbf]), continuation, continuation),
  sequence(byte([0xf1, 0xf3]), continuation, continuation, continuation),
  sequence(literalByte(0xf4), byte([0x80, 0x8f]), continuation, continuation),
  sequence(literal('\\'), choice(...[...'"\\/bfnrt'].map(literal))),
  sequence(
    literal('\\u'),
    byte([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]),
    hexDigit,
    hexDigit,
    hexDigit,
  ),
  sequence(literal('\\u'), choice(literal('d'), literal('D')), byte([0x30, 0x37]), hexDigit, hexDigit),
);

function literalByte(value: number): Grammar {
  return byte([value, value]);
}

/** A line break and an indentation, either of them or nothing. */
const space = sequence(repeat(literal('\n'), 0, 1), repeat(literal(' '), 0, 20));

export const integer = sequence(
  repeat(literal('-'), 0, 1),
  choice(literal('0'), sequence(byte([0x31, 0x39]), repeat(digit, 0, 14))),
);
export const number = sequence(
  integer,
  repeat(sequence(literal('.'), repeat(digit, 1, 15)), 0, 1),
  repeat(
    sequence(byte([0x45, 0x45], [0x65, 0x65]), repeat(byte([0x2b, 0x2b], [0x2d, 0x2d]), 0, 1), repeat(digit, 1, 2)),
    0,
    1,
  ),
);
export const boolean = choice(literal('true'), literal('false'));
export const nothing = literal('null');

export function string(least?: number, most?: number): Grammar {
  return sequence(literal('"'), repeat(character, least, most), literal('"'));
}

export function array(item: Grammar, least = 0, most = Number.POSITIVE_INFINITY): Grammar {
  const empty = sequence(literal('['), literal(']'));
  if (most === 0) return empty;
  const next = sequence(literal(','), space, item, space);
  const filled = sequence(
    ...[literal('['), space, item, space],
    repeat(next, Math.max(0, least - 1), most - 1),
    literal(']'),
  );
  return least === 0 ? choice(empty, filled) : filled;
}

/** Any names, each with a value of this form. */
export function map(value: Grammar): Grammar {
  const member = sequence(string(), literal(':'), space, value, space);
  const more = repeat(sequence(literal(','), space, member));
  return choice(literal('{}'), sequence(literal('{'), space, member, more, literal('}')));
}

export interface Member {
  readonly name: string;
  readonly value: Grammar;
  readonly required: boolean;
}

/** These members in this order; those that are not required may be left out. */
export function object(members: readonly Member[]): Grammar {
  const rest = (from: number, first: boolean): Grammar => {
    const known = cache.get(`${from} ${first}`);
    if (known) return known;
    const { name, value, required } = members[from]!;
    const before = first ? space : sequence(literal(','), space);
    const own = [before, literal(JSON.stringify(name)), literal(':'), space, value, space];
    const with_ = sequence(...own, tail(from + 1, false));
    const made = required ? with_ : choice(with_, tail(from + 1, first));
    cache.set(`${from} ${first}`, made);
    return made;
  };
  const tail = (from: number, first: boolean): Grammar =>
    from === members.length ? literal('}') : { kind: 'lazy', get: () => rest(from, first) };
  const cache = new Map<string, Grammar>();
  return sequence(literal('{'), tail(0, true));
}

const any: Grammar = {
  kind: 'lazy',
  get: () => value,
};
export const anyObject = map(any);
const value = choice(anyObject, array(any), string(), number, boolean, nothing);

export { any as anyValue };
