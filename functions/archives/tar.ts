import { gzipSync } from 'node:zlib';
import { tarBlockBytes, tarPadding, writeTarHeader } from './tar-header.ts';

/** A path that ends in `/` is a folder. */
export interface TarEntry {
  readonly path: string;
  readonly data?: Uint8Array;
}

/**
 * A gzipped POSIX (ustar) archive. Equal entries give equal bytes on every machine: sorted by path, no times, no owners,
 * and stored instead of compressed, since deflate's output differs between processors and weights hardly shrink.
 * Throws invalid_request where a path does not fit ustar's 100 bytes, or 155 + 100 when split at a slash.
 */
export function tarGzip(entries: readonly TarEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const archive = gzipSync(tar(sorted), { level: 0 });
  archive[9] = 255; // RFC 1952: the operating system is unknown; zlib writes its own
  return archive;
}

/** The archive itself, entries as they come; `ended`: with the mark after which nothing follows. */
export function tar(entries: Iterable<TarEntry>, ended = true): Buffer {
  const blocks: Uint8Array[] = [];
  for (const { path, data = new Uint8Array() } of entries) {
    blocks.push(writeTarHeader(path, data.length), data, tarPadding(data.length));
  }
  if (ended) blocks.push(new Uint8Array(2 * tarBlockBytes));
  return Buffer.concat(blocks);
}
