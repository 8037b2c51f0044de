/** Replacements of sentencepiece's normaliser, as its models carry them. */
export type CharsMap = (text: string) => string;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** A cluster of more bytes is looked up character by character. */
const longestCluster = 5;

/**
 * Reads `precompiled_charsmap` (base64): the size of a double-array trie over UTF-8 bytes, its units of 32 bits, and the
 * replacements that it points at, each ended by a 0. Source: google/sentencepiece, normalizer.cc; s-yata/darts-clone;
 * Hugging Face's tokenizers, normalizers/precompiled.rs, whose clusters and first match it follows.
 */
export function readCharsMap(base64: string): CharsMap {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const trieBytes = new DataView(bytes.buffer).getUint32(0, true);
  const units = new Uint32Array(bytes.slice(4, 4 + trieBytes).buffer);
  const replacements = bytes.subarray(4 + trieBytes);
  const known = new Map<string, string | undefined>();

  const find = (text: string): string | undefined => {
    if (known.has(text)) return known.get(text);
    const start = firstMatch(units, encoder.encode(text));
    const found =
      start === undefined ? undefined : decoder.decode(replacements.subarray(start, replacements.indexOf(0, start)));
    known.set(text, found);
    return found;
  };
  const replaceCluster = (cluster: string): string => {
    const whole = encoder.encode(cluster).length <= longestCluster ? find(cluster) : undefined;
    return whole ?? Array.from(cluster, (character) => find(character) ?? character).join('');
  };
  const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
  return (text) => {
    let normalized = '';
    for (const { segment } of segmenter.segment(text)) normalized += replaceCluster(segment);
    return normalized;
  };
}

/** The value of the shortest key that `key` begins with. */
function firstMatch(units: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let position = offset(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return undefined;
    position ^= byte;
    const unit = units[position] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
    position ^= offset(unit);
    if (unit & 0x100) return (units[position] ?? 0) & 0x7fffffff;
  }
  return undefined;
}
