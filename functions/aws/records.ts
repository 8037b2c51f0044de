import type { Services } from '../services.ts';
import { itemKeys } from '../storage/object-keys.ts';
import type { Table } from './table.ts';

type Records = Pick<Services, 'readRecord' | 'writeRecord' | 'listRecords' | 'removeRecord'>;

/** What callers keep, in the table: a partition for each kind and owner. */
export function createRecords(table: Table): Records {
  return {
    readRecord: (kind, owner, id) => table.get(itemKeys.owned(kind, owner, id)),
    async writeRecord(kind, owner, record) {
      const item = { ...itemKeys.owned(kind, owner, record.id), ...record };
      const expected = record.revision === 1 ? {} : { equals: record.revision - 1 };
      return await table.putIf(item, { attribute: 'revision', ...expected });
    },
    listRecords: (kind, owner, page) => table.page(itemKeys.allOwned(kind, owner), page),
    removeRecord: (kind, owner, id) => table.remove(itemKeys.owned(kind, owner, id)),
  };
}
