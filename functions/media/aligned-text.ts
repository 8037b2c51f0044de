/** A text that was made of another one: for each of its UTF-16 units, the part of the other that it came from. */
export interface AlignedText {
  readonly text: string;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** `text`, which begins at `offset` of the original, as it is. */
export function alignIdentity(text: string, offset: number): AlignedText {
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  for (let i = 0; i < text.length; i++) {
    starts[i] = offset + i;
    ends[i] = offset + i + 1;
  }
  return { text, starts, ends };
}

/** The part of the original that units `from` to `to` came from; of none of them: the place between its neighbours. */
export function originOf({ starts, ends }: AlignedText, from: number, to: number): [number, number] {
  if (to > from) return [starts[from]!, ends[to - 1]!];
  const place = from > 0 ? ends[from - 1]! : (starts[0] ?? 0);
  return [place, place];
}

/** Runs of printable ASCII, and what a normaliser looks at together: a character with its marks, Hangul's parts. */
const segments = /[ -~]+(?!\p{M})|[\u1100-\u11ff]+|\P{M}\p{M}*|\p{M}+/gu;

/**
 * Changes an aligned text by a normaliser. `local`: it works character by character, as those of Hugging Face do in
 * Rust, where the library in JavaScript looks at the whole text (a final sigma); so the characters' results count.
 */
export function alignNormalized(before: AlignedText, normalize: (text: string) => string, local: boolean): AlignedText {
  const whole = local ? undefined : normalize(before.text);
  if (whole === before.text) return before;
  const parts = before.text.match(segments) ?? [];
  const results = parts.map((part) => normalize(part));
  const joined = results.join('');
  if (whole !== undefined && joined !== whole) return alignDifference(before, whole);
  const starts = new Uint32Array(joined.length);
  const ends = new Uint32Array(joined.length);
  let from = 0;
  let at = 0;
  parts.forEach((part, index) => {
    const result = results[index]!;
    const aligned = alignSegment(sliceAligned(before, from, part), result);
    starts.set(aligned.starts, at);
    ends.set(aligned.ends, at);
    from += part.length;
    at += result.length;
  });
  return { text: joined, starts, ends };
}

/** Characters stand for their equals, and others for the first one, which the marks behind it belong to. */
function alignSegment(before: AlignedText, text: string): AlignedText {
  if (text.length === before.text.length) return { ...before, text };
  if (/^[ -~]{2,}$/.test(before.text)) return alignDifference(before, text);
  const base = String.fromCodePoint(before.text.codePointAt(0)!);
  // Parts of Hangul make one letter together.
  const size = /^[\u1100-\u11ff]/.test(before.text) ? before.text.length : base.length;
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const mark = before.text.indexOf(text[at]!, base.length);
    starts[at] = before.starts[Math.max(mark, 0)]!;
    ends[at] = before.ends[mark < 0 ? size - 1 : mark]!;
  }
  return { text, starts, ends };
}

const farthest = 64;

/** For what cannot be followed part by part, e.g. spaces that become one: units are paired with the next equal one. */
function alignDifference(before: AlignedText, text: string): AlignedText {
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const found = before.text.slice(from, from + farthest).indexOf(text[at]!);
    // Of spaces that have become one it is the last.
    const spaces =
      text[at] === ' ' && text[at + 1] !== ' ' ? /^ */.exec(before.text.slice(from + found))![0].length : 1;
    const start = found >= 0 ? from + found + spaces - 1 : from;
    const character = String.fromCodePoint(before.text.codePointAt(start) ?? 0).length;
    const end = Math.min(found >= 0 ? start + 1 : start + character, before.text.length);
    [starts[at], ends[at]] =
      end > start ? [before.starts[start]!, before.ends[end - 1]!] : originOf(before, start, start);
    // A unit that is not in sight stands for the one that is there, or was put in before it.
    const stands = found >= 0 || text[at + 1] !== before.text[from];
    if (stands) from = end;
  }
  return { text, starts, ends };
}

/** The part of `aligned` that begins at `from` and reads `text`. */
export function sliceAligned(aligned: AlignedText, from: number, text: string): AlignedText {
  if (from === 0 && text.length === aligned.text.length) return aligned;
  const cut = (places: Uint32Array) => places.subarray(from, from + text.length);
  return { text, starts: cut(aligned.starts), ends: cut(aligned.ends) };
}
