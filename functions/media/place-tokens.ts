import type { Pipeline, TokenizerFile, TokenizerStep } from './tokenizer-pipeline.ts';

type Range = readonly [start: number, end: number];

/** A text in the letters in which words and tokens are spelt, with the place of each letter in the text. */
interface Spelling {
  readonly text: string;
  /** Begin and end of each letter's character; absent: letters are the text's own units. */
  readonly places?: readonly Range[];
}

/** How a tokenizer spells words. */
export interface Alphabet {
  spell(text: string): Spelling;
  /** Words as Hugging Face's tokenizers see them, where the library leaves them in one piece. */
  split(words: string[]): string[];
  /** Spaces belong to no token where the post-processor trims offsets. `first`: of the text's tokens. */
  trim(range: Range, token: string, first: boolean): Range;
}

export function readAlphabet({ pre_tokenizer, post_processor }: TokenizerFile): Alphabet {
  const steps = flatten(pre_tokenizer);
  const metaspace = steps.find(({ type }) => type === 'Metaspace');
  const replacement = metaspace?.replacement ?? '▁';
  const trimmer = flatten(post_processor).find(
    ({ type, trim_offsets }) => (type === 'ByteLevel' || type === 'RobertaProcessing') && trim_offsets !== false,
  );
  const addsPrefix = trimmer?.add_prefix_space !== false;
  const byteLevel = steps.some(({ type }) => type === 'ByteLevel');
  // Where spaces are gone before it, every mark was put in.
  const marksSpaces = metaspace && !steps.some(({ type }) => type === 'WhitespaceSplit');
  return {
    spell: byteLevel ? spellBytes : (text) => ({ text: marksSpaces ? text.replaceAll(' ', replacement) : text }),
    split:
      metaspace && metaspace.split !== false
        ? (words) => words.flatMap((word) => splitBefore(word, replacement))
        : (words) => words,
    trim: (range, token, first) => (trimmer ? trimSpaces(range, token, first && addsPrefix) : range),
  };
}

/** `▁a▁b` → `▁a`, `▁b`. */
function splitBefore(word: string, mark: string): string[] {
  const parts = word.split(mark).map((part, index) => (index === 0 ? part : mark + part));
  return parts.filter((part) => part !== '');
}

function flatten(step: TokenizerStep | null | undefined): TokenizerStep[] {
  const inner = (one: TokenizerStep): TokenizerStep[] => (one.pretokenizers ?? one.processors)?.flatMap(inner) ?? [one];
  return step ? inner(step) : [];
}

/** Source: Hugging Face's tokenizers, pre_tokenizers/byte_level.rs, `process_offsets`. */
function trimSpaces([start, end]: Range, token: string, prefixed: boolean): Range {
  const leading = /^[Ġ\s]*/u.exec(token)![0].length;
  const trailing = /[Ġ\s]*$/u.exec(token)![0].length;
  // The first space was put in.
  const from = Math.min(end, start + Math.max(0, leading - (prefixed && leading > 0 ? 1 : 0)));
  return [from, end >= trailing ? Math.max(end - trailing, from) : end];
}

const encoder = new TextEncoder();

/** GPT-2's letters for bytes: printable Latin-1 stands for itself, the others follow from U+0100. */
const byteLetters = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : 256 + others++);
  });
})();

function spellBytes(text: string): Spelling {
  const letters: string[] = [];
  const places: Range[] = [];
  let at = 0;
  for (const character of text) {
    for (const byte of encoder.encode(character)) {
      letters.push(byteLetters[byte]!);
      places.push([at, at + character.length]);
    }
    at += character.length;
  }
  return { text: letters.join(''), places };
}

/** Letters within which a word is looked for, behind what lies between words. */
const farthest = 1000;

/** For each word, what turns a range of its letters into a range of the text. */
export function placeWords(words: readonly string[], { text, places }: Spelling): ((range: Range) => Range)[] {
  let at = 0;
  return words.map((word) => {
    const { from, prefix } = findWord(word, text, at);
    at = Math.min(text.length, from + word.length - prefix);
    const end = at;
    return ([start, stop]) => {
      // A piece that is nothing but what was put in stands for the character behind it.
      const character = String.fromCodePoint(text.codePointAt(from) ?? 0).length;
      const last = Math.max(stop - prefix, stop > start ? character : 0);
      const letters: Range = [clamp(from + start - prefix, from, end), clamp(from + last, from, end)];
      if (!places || letters[0] >= letters[1]) return places ? zero(places, letters[0]) : letters;
      return [places[letters[0]]![0], places[letters[1] - 1]![1]];
    };
  });
}

/** `prefix`: letters that the pre-tokenizer put before the text, e.g. the `▁` of the first word. */
function findWord(word: string, text: string, at: number): { from: number; prefix: number } {
  if (text.startsWith(word, at)) return { from: at, prefix: 0 };
  if (/^[Ġ▁]/u.test(word) && text.startsWith(word.slice(1), at)) return { from: at, prefix: 1 };
  const behind = text.slice(at, at + farthest + word.length).indexOf(word);
  if (behind >= 0) return { from: at + behind, prefix: 0 };
  const from = at + /^\s*/u.exec(text.slice(at))![0].length;
  if (/^[Ġ▁]/u.test(word) && text.startsWith(word.slice(1), from)) return { from, prefix: 1 };
  return { from, prefix: text.startsWith(word, from) ? 0 : word.length };
}

function zero(places: readonly Range[], letter: number): Range {
  const place = places[letter]?.[0] ?? places.at(-1)?.[1] ?? 0;
  return [place, place];
}

/** Where each piece that the model made of a word lies in it. */
export function placePieces(pieces: readonly string[], word: string, model: Pipeline['model']): Range[] {
  const prefix = model.config.continuing_subword_prefix;
  const suffix = model.end_of_word_suffix;
  const ranges: [number, number][] = [];
  let at = 0;
  let bytes = 0;
  pieces.forEach((piece, index) => {
    const byte = /^<0x[0-9A-F]{2}>$/u.test(piece);
    const size = String.fromCodePoint(word.codePointAt(at) ?? 32).length;
    if (byte) {
      ranges.push([at, at + size]);
      bytes++;
      // The last byte of a character leads to the next one.
      if (bytes === encoder.encode(word.slice(at, at + size)).length) [at, bytes] = [at + size, 0];
      return;
    }
    const continued = index > 0 && typeof prefix === 'string' && prefix !== '' && piece.startsWith(prefix);
    const bare = continued ? piece.slice(prefix.length) : piece;
    const surface = suffix && bare.endsWith(suffix) ? bare.slice(0, -suffix.length) : bare;
    const found = piece === model.unk_token ? -1 : word.indexOf(surface, at);
    const last = ranges.at(-1);
    // What lies before a known piece was unknown, and fused into one token.
    if (found > at && last) last[1] = found;
    const start = found < 0 ? at : found;
    at = Math.min(word.length, found < 0 ? start + size : start + surface.length);
    ranges.push([start, at]);
  });
  const last = ranges.at(-1);
  if (last && at < word.length) last[1] = word.length;
  return ranges;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
