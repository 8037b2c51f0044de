/**
 * Events of all `sources` as they come, of at most `limit` sources at a time. When one of them fails, or the reader
 * leaves, the others are ended.
 */
export async function* merge<Event>(
  sources: readonly (() => AsyncGenerator<Event>)[],
  limit: number,
): AsyncGenerator<{ index: number; event: Event }> {
  const running = new Map<number, { iterator: AsyncGenerator<Event>; next: Promise<Step<Event>> }>();
  const pull = (index: number, iterator: AsyncGenerator<Event>) => {
    const next = iterator.next().then((result) => ({ index, iterator, result }));
    next.catch(() => {}); // it may fail when nobody waits for it any more
    running.set(index, { iterator, next });
  };
  let begun = 0;
  try {
    for (;;) {
      for (; begun < sources.length && running.size < limit; begun++) pull(begun, sources[begun]!());
      if (running.size === 0) return;
      const { index, iterator, result } = await Promise.race([...running.values()].map(({ next }) => next));
      running.delete(index);
      if (result.done) continue;
      yield { index, event: result.value };
      pull(index, iterator);
    }
  } finally {
    for (const { iterator } of running.values()) void iterator.return(undefined).catch(() => {});
  }
}

interface Step<Event> {
  readonly index: number;
  readonly iterator: AsyncGenerator<Event>;
  readonly result: IteratorResult<Event>;
}
