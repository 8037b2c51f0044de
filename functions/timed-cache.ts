export interface TimedCache<Value> {
  (key: string): Promise<Value>;
  /** The next call reads anew. */
  forget(key: string): void;
}

/**
 * Remembers what `read` answered for `seconds` (Infinity: for ever), for up to `maxEntries` keys, the oldest leaving
 * first. Callers that come while a read is in flight share it; a failed read is not remembered.
 */
export function timedCache<Value>(
  read: (key: string) => Promise<Value>,
  options: { seconds: number; maxEntries: number; now?: () => number },
): TimedCache<Value> {
  const now = options.now ?? Date.now;
  const entries = new Map<string, { value: Promise<Value>; expires: number }>();
  const readCached = (key: string) => {
    const known = entries.get(key);
    if (known && known.expires > now()) return known.value;
    const entry = { value: read(key), expires: now() + options.seconds * 1000 };
    entries.delete(key);
    entries.set(key, entry);
    entry.value.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    if (entries.size > options.maxEntries) entries.delete(entries.keys().next().value as string);
    return entry.value;
  };
  return Object.assign(readCached, { forget: (key: string) => void entries.delete(key) });
}
