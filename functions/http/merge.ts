/**
 * Events of all `sources` as they come, of at most `limit` sources at a time. When one of them fails, or the reader
 * leaves, the others are ended.
 */
export async function* merge<Event>(
  sources: readonly (() => AsyncGenerator<Event>)[],
  limit: number,
): AsyncGenerator<{ index: number; event: Event }> {
  const open = new Set<AsyncGenerator<Event>>();
  const waiting = new Map<number, Promise<Step<Event>>>();
  const pull = (index: number, iterator: AsyncGenerator<Event>) => {
    const next = iterator.next().then((result) => ({ index, iterator, result }));
    next.catch(() => {}); // it may fail when nobody waits for it any more
    open.add(iterator);
    waiting.set(index, next);
  };
  let begun = 0;
  try {
    for (;;) {
      for (; begun < sources.length && open.size < limit; begun++) pull(begun, sources[begun]!());
      if (open.size === 0) return;
      const { index, iterator, result } = await Promise.race(waiting.values());
      waiting.delete(index);
      if (result.done) {
        open.delete(iterator);
        continue;
      }
      yield { index, event: result.value };
      pull(index, iterator);
    }
  } finally {
    for (const iterator of open) void iterator.return(undefined).catch(() => {});
  }
}

interface Step<Event> {
  readonly index: number;
  readonly iterator: AsyncGenerator<Event>;
  readonly result: IteratorResult<Event>;
}
