import type { Clean } from '../clean/clean-schema.ts';
import { Dropped } from '../read/unit.ts';

/** Texts made alike: Unicode's normal form, white space. */
export function cleanText(text: string, { normalize, whitespace }: Pick<Clean, 'normalize' | 'whitespace'>): string {
  let clean = normalize ? text.normalize(normalize) : text;
  if (whitespace === 'collapse') clean = clean.replace(/\s+/gu, ' ');
  return whitespace === 'keep' ? clean : clean.trim();
}

export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Dropped('undecodable', 'the text is not UTF-8', cause);
  }
}

/** Characters as people count them (code points), and words between white space. */
export function measureText(text: string): { characters: number; words: number } {
  let characters = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) characters--;
  let words = 0;
  for (const _ of text.matchAll(/\S+/gu)) words++;
  return { characters, words };
}
