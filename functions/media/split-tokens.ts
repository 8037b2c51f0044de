import { type AlignedText, alignIdentity, alignNormalized, originOf, sliceAligned } from './aligned-text.ts';
import { placePieces, placeWords, readAlphabet } from './place-tokens.ts';
import type { NormalizerStep, Pipeline, SpecialToken, TokenizerFiles } from './tokenizer-pipeline.ts';

/** One token of a text, before special tokens are put around. */
export interface Token {
  readonly id: number;
  /** As the vocabulary spells it, e.g. `##ing` or `Ġthe`. */
  readonly text: string;
  /** Where it stands in the text, in UTF-16 units; 0 where offsets were not asked for. */
  readonly start: number;
  readonly end: number;
  /** Counts the words (pre-tokens) of the text. */
  readonly word: number;
  /** 0: the first text of a pair; 1: the second. */
  readonly sequence: 0 | 1;
}

export interface SplitOptions {
  /** Finds out where each token stands. */
  readonly offsets?: boolean | undefined;
  /** A special token that the text may hold, e.g. `[MASK]`; others stay text. */
  readonly mask?: SpecialToken | undefined;
}

/** A part of a text: an added token, or what lies between two of them. */
interface Section {
  readonly text: string;
  readonly offset: number;
  readonly added?: SpecialToken | undefined;
  /** Where an added token stands with the spaces that it takes. */
  readonly taken?: { readonly start: number; readonly end: number };
}

type Splitter = (text: string, sequence: 0 | 1, options: SplitOptions) => Token[];

/** Splits texts into tokens: added tokens, then normaliser, words, and the model's pieces of each word. */
export function createSplitter({ file, pipeline, specials }: TokenizerFiles): Splitter {
  const { model, added_tokens_map: added } = pipeline;
  const alphabet = readAlphabet(file);
  const specialTexts = new Set(specials.map(({ content }) => content));

  return (text, sequence, { offsets = false, mask }) => {
    const tokens: Token[] = [];
    const piecesOf = rememberPieces(model);
    let word = 0;
    const add = (
      name: string,
      id: number | undefined,
      origin: AlignedText | undefined,
      [from, to]: readonly [number, number],
      spelled = name,
    ) => {
      if (id === undefined) return;
      const range = origin ? originOf(origin, from, to) : undefined;
      const [start, end] = range ? alphabet.trim(range, spelled, tokens.length === 0 || range[0] === 0) : [0, 0];
      tokens.push({ id, text: name, start, end, word, sequence });
    };
    const addWords = (part: AlignedText, section: number) => {
      const words = alphabet.split(pipeline.pre_tokenizer?.(part.text, { section_index: section }) ?? [part.text]);
      const places = offsets ? placeWords(words, alphabet.spell(part.text)) : [];
      words.forEach((one, index) => {
        const pieces = piecesOf(one);
        const ranges = offsets ? placePieces(pieces, one, model) : [];
        pieces.forEach((piece, at) => {
          const range = offsets ? places[index]!(ranges[at]!) : ([0, 0] as const);
          // A vocabulary may hold its special tokens as words: those that the text itself brings are unknown words.
          const id = specialTexts.has(piece) ? undefined : model.tokens_to_ids.get(piece);
          add(piece, id ?? model.unk_token_id, offsets ? part : undefined, range);
        });
        word++;
      });
    };
    const addAdded = ({ added: token, taken }: Section, around: AlignedText) => {
      const { start, end } = taken!;
      add(token!.content, token!.id, offsets ? around : undefined, [start, end], around.text.slice(start, end));
      word++;
    };

    const whole = alignIdentity(offsets ? text : '', 0);
    splitSections(text, pipeline.splitter_unnormalized, added, mask).forEach((section, index) => {
      if (section.added) {
        addAdded(section, whole);
        return;
      }
      const origin = alignIdentity(section.text, section.offset);
      const normalized = normalize(origin, pipeline, offsets);
      for (const part of splitSections(normalized.text, pipeline.splitter_normalized, added)) {
        if (part.added) addAdded(part, normalized);
        else addWords(sliceAligned(normalized, part.offset, part.text), index);
      }
    });
    return tokens;
  };
}

/** Sections that are not empty; added tokens take the spaces beside them where they say so. */
function splitSections(
  text: string,
  splitter: { split(text: string): string[] },
  added: ReadonlyMap<string, SpecialToken>,
  mask?: SpecialToken,
): Section[] {
  const pieces = mask ? text.split(mask.content).flatMap((one, i) => (i === 0 ? [one] : [mask.content, one])) : [text];
  let offset = 0;
  const sections = pieces
    .flatMap((piece) => (piece === mask?.content ? [piece] : splitter.split(piece)))
    .map((piece): Section => {
      offset += piece.length;
      return {
        text: piece,
        offset: offset - piece.length,
        added: piece === mask?.content ? mask : added.get(piece),
      };
    });
  return takeSpaces(joinPartsOfWords(sections)).filter((section) => section.text.length > 0);
}

const endsInWord = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]$/u;
const beginsInWord = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;

/** Added tokens that are words by themselves are text where they are parts of others. */
function joinPartsOfWords(sections: readonly Section[]): Section[] {
  if (!sections.some(({ added }) => added?.single_word)) return [...sections];
  const joined: Section[] = [];
  sections.forEach((section, index) => {
    const before = sections[index - 1]?.text ?? '';
    const after = sections[index + 1]?.text ?? '';
    const isPart = section.added?.single_word && (endsInWord.test(before) || beginsInWord.test(after));
    const added = isPart ? undefined : section.added;
    const last = joined.at(-1);
    if (added || !last || last.added) joined.push({ text: section.text, offset: section.offset, added });
    else joined[joined.length - 1] = { text: last.text + section.text, offset: last.offset };
  });
  return joined;
}

/** The spaces beside an added token are its own where it says so. */
function takeSpaces(sections: readonly Section[]): Section[] {
  const spacesBefore = (index: number) => /\s*$/.exec(sections[index]?.text ?? '')![0].length;
  const spacesAfter = (index: number) => /^\s*/.exec(sections[index]?.text ?? '')![0].length;
  return sections.map((section, index) => {
    const { text, offset, added } = section;
    if (added) {
      const before = added.lstrip && !sections[index - 1]?.added ? spacesBefore(index - 1) : 0;
      const after = added.rstrip && !sections[index + 1]?.added ? spacesAfter(index + 1) : 0;
      return { ...section, taken: { start: offset - before, end: offset + text.length + after } };
    }
    const ended = sections[index + 1]?.added?.lstrip ? text.trimEnd() : text;
    const begun = sections[index - 1]?.added?.rstrip ? ended.trimStart() : ended;
    return { text: begun, offset: offset + ended.length - begun.length };
  });
}

const longestKept = 32;

/** The model's pieces of a word; unknown ones beside each other are one where the model says so. */
function rememberPieces(model: Pipeline['model']): (word: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (word) => {
    const kept = known.get(word);
    if (kept) return kept;
    const pieces = model.encode([word]);
    const fused = model.fuse_unk ? fuseUnknown(pieces, model) : pieces;
    if (word.length <= longestKept) known.set(word, fused);
    return fused;
  };
}

/** The library does the same in quadratic time. */
function fuseUnknown(pieces: readonly string[], model: Pipeline['model']): string[] {
  const isUnknown = (piece: string) => (model.tokens_to_ids.get(piece) ?? model.unk_token_id) === model.unk_token_id;
  const runs: { unknown: boolean; pieces: string[] }[] = [];
  for (const piece of pieces) {
    const unknown = isUnknown(piece);
    const last = runs.at(-1);
    if (last?.unknown && unknown) last.pieces.push(piece);
    else runs.push({ unknown, pieces: [piece] });
  }
  return runs.map((run) => {
    const [first = ''] = run.pieces;
    return first === model.unk_token ? first : run.pieces.join('');
  });
}

/** Characters whose normalisation does not depend on their neighbours in Hugging Face's tokenizers. */
const localNormalizers = new Set<unknown>(['BertNormalizer', 'Lowercase']);

function normalize(part: AlignedText, { normalizer }: Pipeline, offsets: boolean): AlignedText {
  const steps: readonly NormalizerStep[] = normalizer ? (normalizer.normalizers ?? [normalizer]) : [];
  return steps.reduce((text, step) => {
    const local = localNormalizers.has(step.config?.type);
    // Where a character stands matters to those who ask for offsets only, and costs time.
    if (!offsets && !(local && text.text.includes('Σ')))
      return { text: step.normalize(text.text), starts: part.starts, ends: part.ends };
    return alignNormalized(text, (one) => step.normalize(one), local);
  }, part);
}
