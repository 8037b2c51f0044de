import { gunzipSync } from 'node:zlib';

const limits = { entries: 1000, bytes: 2_000_000_000 };
const blockBytes = 512;

/**
 * The files of a gzipped ustar archive by path, in memory. Throws an Error for what a model archive has no need of:
 * links, devices, absolute paths, `..`, a path twice, more than 1,000 entries or 2 GB.
 */
export function untarGzip(archive: Uint8Array): Map<string, Uint8Array> {
  const tar = gunzipSync(archive, { maxOutputLength: limits.bytes });
  const files = new Map<string, Uint8Array>();
  let entries = 0;
  for (let at = 0; at + blockBytes <= tar.length; ) {
    const block = tar.subarray(at, at + blockBytes);
    if (block.every((byte) => byte === 0)) return files;
    entries += 1;
    if (entries > limits.entries) throw new Error(`the archive has more than ${limits.entries} entries`);
    const { path, type, size } = readHeader(block);
    at += blockBytes;
    if (at + size > tar.length) throw new Error(`the archive ends within ${path}`);
    if (type !== 'folder') {
      if (files.has(path)) throw new Error(`the archive has ${path} twice`);
      files.set(path, tar.subarray(at, at + size));
    }
    at += Math.ceil(size / blockBytes) * blockBytes;
  }
  throw new Error('the archive has no end mark');
}

function readHeader(block: Buffer): { path: string; type: 'file' | 'folder'; size: number } {
  const text = (start: number, length: number) => block.toString('utf8', start, start + length).replace(/\0.*/s, '');
  const octal = (start: number, length: number) => {
    const digits = text(start, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw new Error('the archive has a header that is none');
    return Number.parseInt(digits, 8);
  };
  const checksum = block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (octal(148, 8) !== checksum) throw new Error('the archive has a header with a wrong checksum');
  const flag = text(156, 1);
  const path = [text(345, 155), text(0, 100)].filter((part) => part !== '').join('/');
  if (flag !== '0' && flag !== '' && flag !== '5') throw new Error(`the archive has a link or device at ${path}`);
  return { path: plainPath(path), type: flag === '5' ? 'folder' : 'file', size: octal(124, 12) };
}

/** Without the `./` that tar writes before paths, nor a slash at the end. */
function plainPath(path: string): string {
  const plain = path.replace(/^\.\//, '').replace(/\/$/, '');
  const strange = (segment: string) => segment === '' || segment === '.' || segment === '..' || segment.includes('\\');
  if (plain !== '' && !plain.split('/').some(strange)) return plain;
  if (path === './') return '.';
  throw new Error(`the archive has the path ${JSON.stringify(path)}, which is not a plain relative one`);
}
