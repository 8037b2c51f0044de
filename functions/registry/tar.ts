import { gzipSync } from 'node:zlib';
import { ServiceError } from '../errors.ts';

/** A path that ends in `/` is a folder. */
export interface TarEntry {
  readonly path: string;
  readonly data?: Uint8Array;
}

const blockBytes = 512;

/**
 * A gzipped POSIX (ustar) archive. Equal entries give equal bytes on every machine: sorted by path, no times, no owners,
 * and stored instead of compressed, since deflate's output differs between processors and weights hardly shrink.
 * Throws invalid_request where a path does not fit ustar's 100 bytes, or 155 + 100 when split at a slash.
 */
export function tarGzip(entries: readonly TarEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const blocks: Uint8Array[] = [];
  for (const entry of sorted) {
    const data = entry.data ?? new Uint8Array();
    blocks.push(header(entry.path, data.length), data, new Uint8Array(-data.length & (blockBytes - 1)));
  }
  blocks.push(new Uint8Array(2 * blockBytes));
  const archive = gzipSync(Buffer.concat(blocks), { level: 0 });
  archive[9] = 255; // RFC 1952: the operating system is unknown; zlib writes its own
  return archive;
}

/** Source: POSIX.1-2017, pax, "ustar Interchange Format". */
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const [prefix, name] = splitPath(path);
  const folder = path.endsWith('/');
  block.write(name, 0);
  block.write(folder ? '0000755' : '0000644', 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write('        ', 148); // the checksum is computed as if its own field held spaces
  block.write(folder ? '5' : '0', 156);
  block.write('ustar\u000000', 257);
  block.write(prefix, 345);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== '' && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new ServiceError('invalid_request', `the path ${path} is too long for an archive: a file name has 100 bytes`);
}
