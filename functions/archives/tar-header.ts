import { ServiceError } from '../errors.ts';

/** Source of all: POSIX.1-2017, pax, "ustar Interchange Format". */
export const tarBlockBytes = 512;

/** What a header of 512 bytes says. `type` is the type flag; `0` is a file, `5` a folder. */
export interface TarHeader {
  readonly path: string;
  readonly size: number;
  readonly type: string;
}

/** Without times and owners. Throws invalid_request where a path does not fit 100 bytes, or 155 + 100 when split at a slash. */
export function writeTarHeader(path: string, size: number): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  const [prefix, name] = splitPath(path);
  const folder = path.endsWith('/');
  block.write(name, 0);
  block.write(folder ? '0000755' : '0000644', 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write(folder ? '5' : '0', 156);
  block.write('ustar\u000000', 257);
  block.write(prefix, 345);
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** The zeros that fill up the last block of `size` bytes. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array(-size & (tarBlockBytes - 1));
}

/** Throws an Error for 512 bytes that are no header. */
export function parseTarHeader(block: Buffer): TarHeader {
  const text = (start: number, length: number) => block.toString('utf8', start, start + length).replace(/\0.*/s, '');
  const octal = (start: number, length: number) => {
    const digits = text(start, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw new Error('the archive has a header that is none');
    return Number.parseInt(digits, 8);
  };
  if (octal(148, 8) !== checksumOf(block)) throw new Error('the archive has a header with a wrong checksum');
  // GNU's own form of a header keeps times where ustar has the prefix.
  const prefix = text(257, 8) === 'ustar  ' ? '' : text(345, 155);
  const path = [prefix, text(0, 100)].filter((part) => part !== '').join('/');
  // Sizes beyond 8 GiB are binary in GNU's form, marked by the first bit.
  const size = block[124]! & 0x80 ? Number(block.readBigUInt64BE(128)) : octal(124, 12);
  return { path, size, type: text(156, 1) || '0' };
}

/** The sum of all bytes, as if the checksum's own field held spaces. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 32;
  for (let at = 0; at < tarBlockBytes; at++) if (at < 148 || at >= 156) sum += block[at]!;
  return sum;
}

function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== '' && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new ServiceError('invalid_request', `the path ${path} is too long for an archive: a file name has 100 bytes`);
}
