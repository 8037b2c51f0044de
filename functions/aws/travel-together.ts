/** One item on its way: settled by the outcome of the call that it travels in. */
interface Traveller<Item, Outcome> {
  readonly item: Item;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

interface Line<Item, Outcome> {
  waiting: Traveller<Item, Outcome>[];
  inFlight: number;
  /** The next call leaves at the end of this turn of the event loop. */
  leaving: boolean;
}

/**
 * Greedy batching of calls, without a timer: an item is sent at the end of this turn of the event loop while fewer than
 * `maxInFlight` calls of its line are under way, else when one of them ends, together with all others that came
 * meanwhile, up to `maxBytes`. So one caller waits for nobody, and many callers share the cost of a call. One more call
 * may be under way where those that wait fill it: it would take no others, and large ones are long on their way.
 * `send` answers one outcome per item, in order; its failure is everybody's.
 */
export function travelTogether<Item, Outcome>(options: {
  readonly line: (item: Item) => string;
  readonly bytes: (item: Item) => number;
  readonly maxBytes: number;
  readonly maxInFlight: number;
  readonly send: (items: readonly Item[]) => Promise<readonly Outcome[]>;
}): (item: Item) => Promise<Outcome> {
  const lines = new Map<string, Line<Item, Outcome>>();

  const depart = async (name: string, line: Line<Item, Outcome>): Promise<void> => {
    line.leaving = false;
    const travellers = board(line);
    line.inFlight++;
    if (line.waiting.length > 0) leave(name, line);
    try {
      const outcomes = await options.send(travellers.map(({ item }) => item));
      for (const [index, traveller] of travellers.entries()) traveller.resolve(outcomes[index] as Outcome);
    } catch (error) {
      for (const traveller of travellers) traveller.reject(error);
    }
    line.inFlight--;
    if (line.waiting.length > 0) leave(name, line);
    else if (line.inFlight === 0) lines.delete(name);
  };

  const leave = (name: string, line: Line<Item, Outcome>): void => {
    if (line.leaving) return;
    if (line.inFlight >= options.maxInFlight + (firstLeftBehind(line) < 0 ? 0 : 1)) return;
    line.leaving = true;
    setImmediate(() => depart(name, line));
  };

  /** The first that the next call has no room for; -1: it takes all. */
  const firstLeftBehind = ({ waiting }: Line<Item, Outcome>): number => {
    let bytes = 0;
    return waiting.findIndex(({ item }, index) => {
      bytes += options.bytes(item);
      return index > 0 && bytes > options.maxBytes;
    });
  };

  const board = (line: Line<Item, Outcome>): Traveller<Item, Outcome>[] => {
    const left = firstLeftBehind(line);
    return line.waiting.splice(0, left < 0 ? line.waiting.length : left);
  };

  return (item) =>
    new Promise((resolve, reject) => {
      const name = options.line(item);
      const line = lines.get(name) ?? { waiting: [], inFlight: 0, leaving: false };
      lines.set(name, line);
      line.waiting.push({ item, resolve, reject });
      leave(name, line);
    });
}
