import { itemKeys } from '../storage/object-keys.ts';
import type { Table } from './table.ts';

/** Days after which the table forgets a claim: longer than a message can live, also as a dead letter. */
const keptDays = 20;

/** Who works on what, so that work is not done twice at once: single items, changed under the condition of their number. */
export function createClaims(table: Pick<Table, 'get' | 'putIf'>) {
  return {
    /** Undefined where another owner holds it. Deliveries of one message are one owner: whichever is killed, the other works. */
    async claim(work: string, owner: string, until: number): Promise<number | undefined> {
      const key = itemKeys.claim(work);
      for (;;) {
        const current = await table.get(key);
        if (current && current.owner !== owner && (current.until as number) > Date.now()) return undefined;
        const number = ((current?.number as number | undefined) ?? 0) + 1;
        const expiresAt = Math.ceil(until / 1000) + keptDays * 86_400;
        const expected = current ? { equals: current.number } : {};
        const won = await table.putIf(
          { ...key, owner, until, number, expiresAt },
          { attribute: 'number', ...expected },
        );
        if (won) return number;
      }
    },

    async release(work: string, number: number): Promise<void> {
      const current = await table.get(itemKeys.claim(work));
      if (current?.number !== number) return;
      await table.putIf({ ...current, until: 0, number: number + 1 }, { attribute: 'number', equals: number });
    },
  };
}
