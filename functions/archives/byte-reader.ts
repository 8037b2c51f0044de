/** Bytes that come in chunks, taken in pieces of the sizes that a format asks for. */
export interface ByteReader {
  /** Bytes taken or passed over so far. */
  readonly position: number;
  /** The next `length` bytes; fewer where the bytes end. */
  read(length: number): Promise<Buffer>;
  /** Passes over as many, and gives how many there were. */
  skip(length: number): Promise<number>;
}

export function createByteReader(chunks: AsyncIterable<Uint8Array>): ByteReader {
  const source = chunks[Symbol.asyncIterator]();
  let current: Buffer = Buffer.alloc(0);
  let position = 0;

  /** The next bytes, at most `length` of them; none at the end. */
  async function take(length: number): Promise<Buffer> {
    while (current.length === 0) {
      const next = await source.next();
      if (next.done) return current;
      current = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const taken = current.subarray(0, length);
    current = current.subarray(taken.length);
    position += taken.length;
    return taken;
  }

  return {
    get position() {
      return position;
    },
    async read(length) {
      const first = await take(length);
      if (first.length === length || first.length === 0) return first;
      const parts = [first];
      for (let left = length - first.length; left > 0; ) {
        const part = await take(left);
        if (part.length === 0) break;
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    },
    async skip(length) {
      let left = length;
      while (left > 0) {
        const { length: passed } = await take(left);
        if (passed === 0) break;
        left -= passed;
      }
      return length - left;
    },
  };
}
