import { ServiceError } from '../errors.ts';
import type { Token } from './split-tokens.ts';

export type Truncation = 'longest_first' | 'only_first' | 'only_second';

export interface WindowOptions {
  /** Most tokens of a row, special ones among them. */
  readonly maxLength: number;
  readonly truncation: Truncation;
  readonly side: 'left' | 'right';
  /** Tokens that a window shares with the one before it; absent: what does not fit is cut off. */
  readonly stride?: number | undefined;
}

export type TokenPair = readonly [first: readonly Token[], second: readonly Token[] | undefined];

/**
 * A text, or a pair of them, cut to what fits beside `specials` tokens; with a stride, every window of the one that is cut.
 * Source: Hugging Face's tokenizers, `truncate_encodings` and `Encoding::truncate`.
 * Throws invalid_request where the other text alone is too long.
 */
export function cutToWindows([first, second]: TokenPair, specials: number, options: WindowOptions): TokenPair[] {
  const room = options.maxLength - specials;
  const total = first.length + (second?.length ?? 0);
  if (total <= room) return [[first, second]];
  if (second === undefined) return windows(first, room, options).map((part) => [part, undefined]);
  if (options.truncation === 'longest_first') {
    const [most, other] = shareRoom(first.length, second.length, room);
    return [[cut(first, most, options.side), cut(second, other, options.side)]];
  }
  if (options.truncation === 'only_first') {
    return windows(first, room - second.length, options).map((part) => [part, second]);
  }
  return windows(second, room - first.length, options).map((part) => [first, part]);
}

/** Lengths of two texts so that both fit: the longer one gives way first. */
function shareRoom(first: number, second: number, room: number): [number, number] {
  const shorter = Math.min(first, second);
  const most = Math.max(0, room);
  const lengths: [number, number] =
    shorter * 2 > most ? [most >> 1, most - (most >> 1)] : [shorter, Math.max(shorter, most - shorter)];
  return first > second ? [lengths[1], lengths[0]] : lengths;
}

function windows(tokens: readonly Token[], room: number, { stride, side }: WindowOptions): (readonly Token[])[] {
  if (stride === undefined) return [cut(tokens, Math.max(0, room), side)];
  const step = room - stride;
  if (step <= 0) {
    const message = `windows of ${Math.max(0, room)} tokens cannot share ${stride}: a smaller stride, a longer length or a shorter text is needed`;
    throw new ServiceError('invalid_request', message);
  }
  const parts: (readonly Token[])[] = [];
  for (let start = 0; ; start += step) {
    const end = tokens.length - start;
    // What is cut at its left is read from its end on.
    parts.push(side === 'left' ? tokens.slice(Math.max(0, end - room), end) : tokens.slice(start, start + room));
    if (start + room >= tokens.length) return parts;
  }
}

function cut(tokens: readonly Token[], length: number, side: 'left' | 'right'): readonly Token[] {
  if (tokens.length <= length) return tokens;
  return side === 'left' ? tokens.slice(tokens.length - length) : tokens.slice(0, length);
}
