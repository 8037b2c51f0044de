import * as z from 'zod';

const count = z.int().min(0);

/** Why something that was uploaded is no record of the prepared data set; docs/datasets.md says each in a sentence. */
export const dropReasons = [
  'empty',
  'undecodable',
  'too-large',
  'unreadable-archive',
  'encrypted',
  'unsafe-path',
  'nested-archive',
  'broken-row',
  'no-inputs',
  'no-label',
  'bad-label',
  'label-left-out',
  'missing-values',
  'too-short',
  'too-long',
  'too-small',
  'too-big',
  'duplicate',
  'near-duplicate',
  'contradicting-labels',
  'outlier',
] as const;

export type DropReason = (typeof dropReasons)[number];

const refusal = z.strictObject({ reason: z.enum(dropReasons), detail: z.string() });

/** A file: an object of its own, or a member of an archive. */
const memberSchema = z.strictObject({
  /** Within the data set, or within the archive. */
  path: z.string(),
  size: count,
  /** Of an object of its own. */
  key: z.string().optional(),
  etag: z.string().optional(),
  /** Of a member: where its bytes (tar) or its local header (zip) begin. */
  start: count.optional(),
  /** Of a member of a zip: its size there, where it is deflated. */
  deflatedSize: count.optional(),
  /** It is known not to be read. */
  refused: refusal.optional(),
});

export type Member = z.infer<typeof memberSchema>;

const rowFormats = ['jsonl', 'csv', 'parquet'] as const;

/** A part of what was uploaded that one worker reads at once. */
export const unitSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('files'),
    container: z.enum(['objects', 'tar', 'zip']),
    /** The archive that is read: as it was uploaded, or unpacked. */
    key: z.string().optional(),
    etag: z.string().optional(),
    /** What people know it by. */
    source: z.string(),
    members: z.array(memberSchema),
  }),
  z.strictObject({
    kind: z.literal('rows'),
    format: z.enum(rowFormats),
    key: z.string(),
    etag: z.string(),
    source: z.string(),
    /** Bytes of JSONL and CSV, rows of Parquet; from `start` to before `end`. */
    start: count,
    end: count,
    /** The number of its first line or row, from 1. */
    first: count,
    /** Of CSV. */
    columns: z.array(z.string()).optional(),
    delimiter: z.string().optional(),
    /** Bytes of the whole object, for Parquet. */
    size: count.optional(),
  }),
  /** A container of which nothing (more) can be read. */
  z.strictObject({ kind: z.literal('refused'), source: z.string(), refused: refusal }),
]);

export type Unit = z.infer<typeof unitSchema>;
export type FilesUnit = Extract<Unit, { kind: 'files' }>;
export type RowsUnit = Extract<Unit, { kind: 'rows' }>;

/** A record that is not taken, and why. `detail` is for people. */
export class Dropped extends Error {
  readonly reason: DropReason;

  constructor(reason: DropReason, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.reason = reason;
  }
}
