import { createByteReader } from './byte-reader.ts';
import { parseTarHeader, type TarHeader, tarBlockBytes } from './tar-header.ts';

/** A file of a tar archive that is being read. */
export interface TarMember {
  readonly path: string;
  readonly size: number;
  /** Where its bytes begin in the archive. */
  readonly start: number;
  /** Its bytes; to be asked for before the next member, and not needed. Throws an Error where the archive ends within. */
  read(): Promise<Buffer>;
}

/** Most bytes of the record that tells a path: S3's keys have 1,024, and there may be other fields. */
const maxExtensionBytes = 65_536;

/**
 * The files of a tar archive (ustar, pax, GNU) as they come; folders, links and devices are passed over. Ends at the end mark
 * or where the bytes end. Throws an Error where a header is none, or where the archive ends within a file.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const reader = createByteReader(chunks);
  let extension: Partial<TarHeader> = {};
  for (;;) {
    const block = await reader.read(tarBlockBytes);
    if (block.length < tarBlockBytes || block.every((byte) => byte === 0)) return;
    const header = { ...parseTarHeader(block), ...extension };
    const { path, size, type } = header;
    const start = reader.position;
    const end = start + Math.ceil(size / tarBlockBytes) * tarBlockBytes;
    if (type === 'x' || type === 'L') {
      if (size > maxExtensionBytes) throw new Error('the archive has a path that is too long');
      extension = { ...extension, ...readExtension(type, await reader.read(size)) };
    } else {
      extension = {};
      if (type === '0' && !path.endsWith('/')) yield { path, size, start, read };
    }
    await reader.skip(end - reader.position);
    if (reader.position < start + size) throw cutOff(path);

    async function read(): Promise<Buffer> {
      const data = await reader.read(size);
      if (data.length < size) throw cutOff(path);
      return data;
    }
  }
}

function cutOff(path: string): Error {
  return new Error(`the archive ends within ${path}`);
}

/** GNU's long path, or the fields of pax: `<length> <name>=<value>\n`. */
function readExtension(type: 'x' | 'L', data: Buffer): Partial<TarHeader> {
  if (type === 'L') return { path: data.toString('utf8').replace(/\0.*/s, '') };
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(' ', at);
    const length = Number(data.toString('latin1', at, space));
    if (space < 0 || !(length > space - at)) throw new Error('the archive has a header that is none');
    const [name, ...value] = data.toString('utf8', space + 1, at + length - 1).split('=');
    if (name === 'path') found.path = value.join('=');
    if (name === 'size') found.size = Number(value[0]);
    at += length;
  }
  if (found.size !== undefined && !(Number.isSafeInteger(found.size) && found.size >= 0))
    throw new Error('the archive has a size that is none');
  return found;
}
