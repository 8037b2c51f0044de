import type { Captures } from '../file-pattern.ts';
import type { Dropped } from './unit.ts';

/** A record as it was uploaded. */
export interface FoundRecord {
  /** An object's key, then the member of the archive and the row of the table. */
  readonly source: string;
  /** A file, with its path within the data set or the archive, and what the pattern found in it. */
  readonly file?: { readonly bytes: Uint8Array; readonly path: string; readonly captures: Captures };
  readonly row?: Readonly<Record<string, unknown>>;
  /** The bytes of the file beside it with this ending. */
  readonly sidecar?: (ending: string) => Uint8Array | undefined;
}

/** Something that should have been a record. */
export interface RefusedRecord {
  readonly source: string;
  readonly dropped: Dropped;
}
