import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { OwnedRecord, RecordKind, Services } from '../services.ts';

/** An id that begins with its time: `file-` and 32 hex digits. Ids of one millisecond are in no order. */
export function createId(prefix: string, milliseconds = Date.now()): string {
  return `${prefix}${milliseconds.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}

/** What every record has; the rest is its kind's. */
export const ownedRecord = {
  id: z.string(),
  revision: z.int().min(1),
  /** Seconds since the epoch. */
  createdAt: z.int(),
  expiresAt: z.int().optional(),
};

export interface Kind<Value extends OwnedRecord> {
  readonly kind: RecordKind;
  readonly schema: z.ZodType<Value>;
  /** The word for one, in errors. */
  readonly word: string;
}

const idPattern = /^[a-z_]+-?[0-9a-f]{32}$/;

/** Throws not_found where `owner` has no such record, or where it has expired. */
export async function readOwned<Value extends OwnedRecord>(
  { kind, schema, word }: Kind<Value>,
  owner: string,
  id: string,
  services: Pick<Services, 'readRecord'>,
): Promise<Value> {
  const found = idPattern.test(id) ? await services.readRecord(kind, owner, id) : undefined;
  const record = found === undefined ? undefined : schema.parse(found);
  if (record && !isExpired(record)) return record;
  throw new ServiceError('not_found', `there is no ${word} '${id.slice(0, 100)}' of this API key`);
}

export interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
  readonly descending: boolean;
}

/** A page of what `owner` has and `wanted` lets through, and whether there is more. Throws invalid_request. */
export async function listOwned<Value extends OwnedRecord>(
  { kind, schema }: Kind<Value>,
  owner: string,
  { after, limit, descending }: Page,
  services: Pick<Services, 'listRecords'>,
  wanted: (record: Value) => boolean = () => true,
): Promise<{ records: Value[]; more: boolean }> {
  if (after && !idPattern.test(after)) {
    throw new ServiceError(
      'invalid_request',
      `after is '${after.slice(0, 100)}'; the last id of the page before is needed`,
    );
  }
  const records: Value[] = [];
  for (let last = after || undefined; ; ) {
    const page = await services.listRecords(kind, owner, { after: last, limit: Math.min(limit + 1, 1000), descending });
    const parsed = page.map((found) => schema.parse(found));
    records.push(...parsed.filter((record) => !isExpired(record) && wanted(record)));
    if (records.length > limit) return { records: records.slice(0, limit), more: true };
    last = parsed.at(-1)?.id;
    if (last === undefined) return { records, more: false };
  }
}

function isExpired({ expiresAt }: OwnedRecord): boolean {
  return expiresAt !== undefined && expiresAt * 1000 <= Date.now();
}
