import * as z from 'zod';

const fileSchema = z.looseObject({
  model: z.looseObject({
    vocab: z.union([z.record(z.string(), z.int()), z.array(z.tuple([z.string()], z.unknown()))]),
  }),
  pre_tokenizer: z.unknown(),
  decoder: z.unknown(),
  added_tokens: z
    .array(z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().default(false) }))
    .default([]),
});

/**
 * The bytes of each token that stands for text; special tokens have none. Of a tokenizer.json of byte-level pairs, or of
 * SentencePiece's pieces with `▁` and `<0x0A>`.
 */
export function readTokenBytes(tokenizerJson: unknown): Map<number, Uint8Array> {
  const { model, pre_tokenizer, decoder, added_tokens: added } = fileSchema.parse(tokenizerJson);
  const byteLevel = /"ByteLevel"/.test(JSON.stringify([pre_tokenizer ?? '', decoder ?? '']));
  const tokens = Array.isArray(model.vocab)
    ? model.vocab.map(([token], id) => [token, id] as const)
    : Object.entries(model.vocab);
  const bytes = new Map<number, Uint8Array>();
  for (const [token, id] of tokens) bytes.set(id, byteLevel ? fromByteLevel(token) : fromPiece(token));
  for (const { id, content, special } of added) {
    if (special) bytes.delete(id);
    else bytes.set(id, Buffer.from(content));
  }
  return bytes;
}

/** A piece of one raw byte, or text in which `▁` is a space. Source: google/sentencepiece, byte_fallback. */
function fromPiece(piece: string): Uint8Array {
  const [, hex] = /^<0x([0-9A-F]{2})>$/.exec(piece) ?? [];
  return hex === undefined ? Buffer.from(piece.replaceAll('\u2581', ' ')) : Buffer.from(hex, 'hex');
}

/** Every character stands for one byte; none for a token that has another character. */
function fromByteLevel(token: string): Uint8Array {
  const values = [...token].map((character) => byteOf.get(character));
  return values.includes(undefined) ? new Uint8Array() : Uint8Array.from(values as number[]);
}

/** Printable bytes are themselves, the others follow from 256 on. Source: openai/gpt-2, bytes_to_unicode. */
const byteOf = new Map<string, number>();
for (let value = 0, other = 256; value < 256; value++) {
  const plain = (value >= 33 && value <= 126) || (value >= 161 && value <= 172) || value >= 174;
  byteOf.set(String.fromCodePoint(plain ? value : other++), value);
}
