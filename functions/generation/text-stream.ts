/** Text as tokens bring it: what a token adds is known once no later one can change it. */
export interface TextStream {
  /** What `id` adds; empty while a character is not complete. */
  push(id: number): string;
  /** What is left when no more tokens come. */
  end(): string;
}

/**
 * Decodes a token behind those before it, since a tokenizer's text of one token depends on its neighbours.
 * Source: huggingface/text-generation-inference, `decode_token`: two offsets keep each decoding short.
 */
export function createTextStream(decode: (ids: readonly number[]) => string): TextStream {
  const ids: number[] = [];
  let prefix = 0;
  let read = 0;
  const added = () => decode(ids.slice(prefix)).slice(decode(ids.slice(prefix, read)).length);
  return {
    push(id) {
      ids.push(id);
      const text = added();
      if (text === '' || text.endsWith('\u{FFFD}')) return '';
      prefix = read;
      read = ids.length;
      return text;
    },
    end: added,
  };
}

/** Text up to the first of `stops`, which is not part of it. What may become one is held back. */
export function createStopFilter(stops: readonly string[]): {
  push(text: string): { text: string; stopped: boolean };
  end(): string;
} {
  let held = '';
  return {
    push(text) {
      held += text;
      const found = stops.map((stop) => held.indexOf(stop)).filter((index) => index >= 0);
      const end =
        found.length > 0 ? Math.min(...found) : held.length - Math.max(0, ...stops.map((stop) => overlap(held, stop)));
      const ready = held.slice(0, end);
      held = found.length > 0 ? '' : held.slice(end);
      return { text: ready, stopped: found.length > 0 };
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

/** Characters at the end of `text` that `marker` begins with. */
export function overlap(text: string, marker: string): number {
  for (let length = Math.min(marker.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(marker.slice(0, length))) return length;
  }
  return 0;
}
