/**
 * What `work` makes of `items`, in their order, while up to `most.count` of them are worked on and weigh up to `most.weight`
 * together. None is begun after `stopped` says so. What `work` throws ends it, once all that was begun has ended.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterator<Item>,
  work: (item: Item) => Promise<Result>,
  options: {
    readonly most: { readonly count: number; readonly weight: number };
    readonly weigh: (item: Item) => number;
    /** Is asked before each item how many were begun. */
    readonly stopped: (begun: number) => boolean;
  },
): AsyncGenerator<Result> {
  const begun: { result: Promise<Result>; weight: number }[] = [];
  let [weight, count] = [0, 0];
  let ended = false;
  const fill = async () => {
    while (!ended && begun.length < options.most.count && (weight < options.most.weight || begun.length === 0)) {
      if (options.stopped(count)) return;
      count += 1;
      const next = await items.next();
      if (next.done) ended = true;
      else {
        const result = work(next.value);
        // Awaited in its turn.
        result.catch(() => {});
        begun.push({ result, weight: options.weigh(next.value) });
        weight += begun.at(-1)!.weight;
      }
    }
  };
  try {
    for (await fill(); begun.length > 0; await fill()) {
      const first = begun.shift()!;
      weight -= first.weight;
      yield await first.result;
    }
  } finally {
    await Promise.allSettled(begun.map(({ result }) => result));
    await items.return?.();
  }
}
