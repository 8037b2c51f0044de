import { gunzipSync } from 'node:zlib';
import { parseTarHeader } from '../../functions/archives/tar-header.ts';

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
  const { path, size, type } = parseTarHeader(block);
  if (type !== '0' && type !== '5') throw new Error(`the archive has a link or device at ${path}`);
  return { path: plainPath(path), type: type === '5' ? 'folder' : 'file', size };
}

/** Without the `./` that tar writes before paths, nor a slash at the end. */
function plainPath(path: string): string {
  const plain = path.replace(/^\.\//, '').replace(/\/$/, '');
  const strange = (segment: string) => segment === '' || segment === '.' || segment === '..' || segment.includes('\\');
  if (plain !== '' && !plain.split('/').some(strange)) return plain;
  if (path === './') return '.';
  throw new Error(`the archive has the path ${JSON.stringify(path)}, which is not a plain relative one`);
}
