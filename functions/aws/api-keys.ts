import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { ApiKey } from '../services.ts';
import { itemKeys } from '../storage/object-keys.ts';
import type { Item, Table } from './table.ts';

/** How long the table remembers the requests of a minute. */
const keptSeconds = 3600;

/** API keys in the table, found by HMAC-SHA256(pepper, secret): whoever reads the table learns no secret. */
export function createApiKeys(table: Table, readPepper: () => Promise<string>) {
  const digest = async (secret: string) =>
    createHmac('sha256', await readPepper())
      .update(secret)
      .digest('hex');
  const list = async () => await table.query(itemKeys.apiKeys);
  return {
    async find(secret: string): Promise<ApiKey | undefined> {
      const item = await table.get(itemKeys.apiKey(await digest(secret)));
      return item && !item.revokedAt ? toApiKey(item) : undefined;
    },

    /** The secret is in the answer and nowhere else. */
    async create(name: string, requestsPerMinute?: number): Promise<{ key: ApiKey; secret: string }> {
      const secret = `lam_${randomBytes(32).toString('base64url')}`;
      const key: ApiKey = {
        id: randomUUID(),
        name,
        prefix: secret.slice(0, 8),
        createdAt: new Date().toISOString(),
        ...(requestsPerMinute !== undefined && { requestsPerMinute }),
      };
      const item = { ...itemKeys.apiKey(await digest(secret)), ...key };
      if (!(await table.putIf(item, { attribute: 'id' }))) throw new Error('two API keys with one digest');
      return { key, secret };
    },

    async count(keyId: string, minute: number, limit: number): Promise<number | undefined> {
      const expiresAt = minute / 1000 + keptSeconds;
      return await table.increment({ ...itemKeys.requests(keyId, minute), expiresAt }, limit);
    },

    async list(): Promise<ApiKey[]> {
      return (await list()).map(toApiKey).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
    },

    /** False: there is no such key. Revoking twice keeps the first time. */
    async revoke(id: string): Promise<boolean> {
      const item = (await list()).find((candidate) => candidate.id === id);
      if (!item) return false;
      if (item.revokedAt) return true;
      return await table.putIf({ ...item, revokedAt: new Date().toISOString() }, { attribute: 'id', equals: id });
    },
  };
}

function toApiKey({ pk: _pk, sk: _sk, ...key }: Item): ApiKey {
  return key as unknown as ApiKey;
}
