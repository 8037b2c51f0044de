import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { table } from '../report.ts';
import { median, spread } from '../statistics.ts';

export interface Contestant {
  readonly name: string;
  /** Milliseconds per call, over so many calls. */
  time(calls: number): Promise<number>;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Someone who runs in this process; does not pay for the memory that the one before left. */
export function here(name: string, call: () => unknown): Contestant {
  return {
    name,
    async time(calls) {
      collectGarbage();
      const started = performance.now();
      for (let index = 0; index < calls; index++) await call();
      return (performance.now() - started) / calls;
    },
  };
}

export interface ContestResult {
  /** Median milliseconds, by name. */
  readonly milliseconds: ReadonlyMap<string, number>;
  readonly table: string;
}

/** All in turn, `rounds` times, after some that are not counted. Ratios are to the first one. */
export async function contest(
  contestants: readonly Contestant[],
  { rounds, calls }: { rounds: number; calls: number },
): Promise<ContestResult> {
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (const one of contestants) for (let warm = 0; warm < 3; warm++) await one.time(calls);
  for (let round = 0; round < rounds; round++) {
    for (const one of contestants) times.get(one.name)!.push(await one.time(calls));
  }
  const milliseconds = new Map([...times].map(([name, values]) => [name, median(values)]));
  const [first] = milliseconds.values();
  const rows = [...times].map(([name, values]) => {
    return [name, spread(values, 2), (median(values) / (first ?? Number.NaN)).toFixed(2)];
  });
  return { milliseconds, table: table(['', 'ms', '× the first'], rows) };
}
