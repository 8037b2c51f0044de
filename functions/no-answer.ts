import { maxAttempts } from './manifest.ts';

/** No attempt at a message is left, and the last one has ended its function: out of memory or time, or by a crash. */
export class NoAnswer extends Error {
  constructor() {
    super(`the last of ${maxAttempts} attempts ended without an answer, most likely out of memory or time`);
  }
}
