import { ServiceError } from '../errors.ts';
import { type ModelEntry, modelEntrySchema } from '../registry/model-entry.ts';
import { type Registration, registrationSchema } from '../registry/model-manifest.ts';

import { itemKeys } from '../storage/object-keys.ts';
import type { Item, Table } from './table.ts';

/** Compare-and-set rounds before a write gives up; each loser of a round saw another writer win. */
const attempts = 20;

/** Models, versions and aliases in the table. */
export function createRegistry(table: Table) {
  const readEntry = async (name: string): Promise<ModelEntry | undefined> => {
    const item = await table.get(itemKeys.model(name));
    return item && toEntry(item);
  };
  return {
    readEntry,

    async listEntries(): Promise<ModelEntry[]> {
      return (await table.query(itemKeys.models)).map(toEntry);
    },

    /** Applies `change` to the latest entry until no other writer was faster. Throws conflict. */
    async updateEntry(name: string, change: (entry: ModelEntry) => ModelEntry): Promise<ModelEntry> {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const current = (await readEntry(name)) ?? { name, aliases: {}, versions: [], revision: 0 };
        const next = { ...change(current), revision: current.revision + 1 };
        const { name: _, ...attributes } = next;
        const item = { ...itemKeys.model(name), ...attributes };
        const expected = current.revision === 0 ? {} : { equals: current.revision };
        if (await table.putIf(item, { attribute: 'revision', ...expected })) return next;
      }
      throw new ServiceError('conflict', `model ${name} is being changed by others; try again`);
    },

    async listRegistrations(name: string): Promise<Registration[]> {
      return (await table.query(itemKeys.modelVersions(name))).map((item) => registrationSchema.parse(item));
    },

    async readRegistration(name: string, version: string): Promise<Registration | undefined> {
      const item = await table.get(itemKeys.modelVersion(name, version));
      return item && registrationSchema.parse(item);
    },

    /** Unless the version is READY (false): such a one never changes. */
    async writeRegistration(registration: Registration): Promise<boolean> {
      const key = itemKeys.modelVersion(registration.name, registration.version);
      const item = { ...key, ...registration, ready: registration.status === 'READY' };
      return await table.putIf(item, { attribute: 'ready', equals: false });
    },
  };
}

function toEntry(item: Item): ModelEntry {
  return modelEntrySchema.parse({ ...item, name: item.sk });
}
