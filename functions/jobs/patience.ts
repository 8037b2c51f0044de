import { setTimeout as wait } from 'node:timers/promises';
import { ServiceError } from '../errors.ts';

/** The model host answers nobody now: the record is as good as before, and its chunk is to be run later. */
export class HostAway extends Error {}

/** Milliseconds before each further try: until a cold endpoint has its model. */
export const defaultWaits: readonly number[] = [500, 1000, 2000, 4000, 8000, 16_000];

/** Makes a call, and again where that may help; `again` may be another way to the same answer. */
export type Patiently = <Result>(call: () => Promise<Result>, again?: () => Promise<Result>) => Promise<Result>;

/**
 * Calls of a host that may be away, cold or busy, for the records of one chunk; no try begins after `until`. Where it stays
 * so HostAway is thrown; where the host has answered others in the meantime it is this record that it cannot answer, and
 * the host's own error is thrown.
 */
export function createPatience({ waits, until }: { waits: readonly number[]; until: number }): Patiently {
  let answered = 0;
  return async (call, again = call) => {
    const before = answered;
    for (let tries = 0; ; tries++) {
      try {
        const result = await (tries === 0 ? call : again)();
        answered += 1;
        return result;
      } catch (error) {
        if (!(error instanceof ServiceError && error.retryable)) throw error;
        // Alone it had all the time that a record gets.
        if (error.code === 'deadline_exceeded' && (tries > 0 || call === again)) throw error;
        const delay = Math.max(waits[tries] ?? 0, (error.retryAfterSeconds ?? 0) * 1000);
        if (tries < waits.length && Date.now() + delay < until) await wait(delay);
        else if (answered > before) throw error;
        else throw new HostAway(error.message, { cause: error });
      }
    }
  };
}
