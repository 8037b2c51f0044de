import type { TextAugment } from './augment-schema.ts';
import type { Random } from './random.ts';

/** Word in small letters → words that may stand for it. */
export type Synonyms = ReadonlyMap<string, readonly string[]>;

interface Word {
  readonly text: string;
  /** The white space behind it. */
  readonly gap: string;
}

/** A changed copy of a text: words replaced, left out, in another order. One word at least stays. */
export function augmentText(text: string, options: TextAugment, synonyms: Synonyms, random: Random): string {
  const lead = /^\s*/u.exec(text)![0];
  let words = Array.from(text.matchAll(/(\S+)(\s*)/gu), ([, word, gap]): Word => ({ text: word!, gap: gap! }));
  words = words.map((word) => ({ ...word, text: replaceWord(word.text, options.replace, synonyms, random) }));
  words = dropWords(words, options.drop ?? 0, random);
  return lead + render(swapWords(words, options.swap ?? 0, random));
}

function render(words: readonly Word[]): string {
  return words.map(({ text, gap }) => text + gap).join('');
}

/** The letters of a word, without the marks around it, are what the table knows; a capital stays one. */
function replaceWord(word: string, chance: number, synonyms: Synonyms, random: Random): string {
  const match = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/su.exec(word);
  const [, before = '', core = '', after = ''] = match ?? [];
  const known = synonyms.get(core.toLowerCase());
  if (!known || random() >= chance) return word;
  const chosen = known[Math.floor(random() * known.length)]!;
  const isCapital = core.charAt(0) !== core.charAt(0).toLowerCase();
  return before + (isCapital ? chosen.charAt(0).toUpperCase() + chosen.slice(1) : chosen) + after;
}

function dropWords(words: readonly Word[], chance: number, random: Random): Word[] {
  if (chance === 0) return [...words];
  const kept = words.filter(() => random() >= chance);
  return kept.length > 0 || words.length === 0 ? kept : [words[Math.floor(random() * words.length)]!];
}

/** White space stays where it is. */
function swapWords(words: readonly Word[], chance: number, random: Random): Word[] {
  const swapped = [...words];
  if (chance === 0) return swapped;
  for (let at = 0; at + 1 < swapped.length; at++) {
    if (random() >= chance) continue;
    const [first, second] = [swapped[at]!, swapped[at + 1]!];
    swapped[at] = { text: second.text, gap: first.gap };
    swapped[at + 1] = { text: first.text, gap: second.gap };
    at++;
  }
  return swapped;
}
