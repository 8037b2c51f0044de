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
  const results = parts.map((part) => normalizeSegment(part, normalize));
  const joined = results.map(({ text }) => text).join('');
  if (whole !== undefined && joined !== whole) return alignDifference(before, whole);
  const starts = new Uint32Array(joined.length);
  const ends = new Uint32Array(joined.length);
  let from = 0;
  let at = 0;
  parts.forEach((part, index) => {
    const { text, unitwise } = results[index]!;
    for (let i = 0; i < text.length; i++) {
      starts[at + i] = before.starts[unitwise ? from + i : from]!;
      ends[at + i] = before.ends[unitwise ? from + i : from + part.length - 1]!;
    }
    from += part.length;
    at += text.length;
  });
  return { text: joined, starts, ends };
}

function normalizeSegment(part: string, normalize: (text: string) => string): { text: string; unitwise: boolean } {
  const text = normalize(part);
  return { text, unitwise: text.length === part.length };
}

const farthest = 64;

/** For what cannot be followed part by part, e.g. spaces that become one: units are paired with the next equal one. */
function alignDifference(before: AlignedText, text: string): AlignedText {
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const found = before.text.slice(from, from + farthest).indexOf(text[at]!);
    // A unit that is not in sight was put in, or stands for the one that is there.
    const stands = found < 0 && text[at + 1] !== before.text[from];
    const [start, end] = found >= 0 ? [from + found, from + found + 1] : [from, stands ? from + 1 : from];
    const known = Math.min(end, before.text.length);
    [starts[at], ends[at]] =
      known > start ? [before.starts[start]!, before.ends[known - 1]!] : originOf(before, start, start);
    from = known > start ? known : from;
  }
  return { text, starts, ends };
}

/** The part of `aligned` that begins at `from` and reads `text`. */
export function sliceAligned(aligned: AlignedText, from: number, text: string): AlignedText {
  if (from === 0 && text.length === aligned.text.length) return aligned;
  const cut = (places: Uint32Array) => places.subarray(from, from + text.length);
  return { text, starts: cut(aligned.starts), ends: cut(aligned.ends) };
}
