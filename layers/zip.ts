import { crc32, deflateRawSync } from 'node:zlib';

/** 1980-01-01 00:00, the first moment that a zip archive knows: the same files give the same bytes. */
const dosDate = 0x21;
const deflate = 8;
const regularFile = 0o100644;
const executableFile = 0o100755;

export interface ZipEntry {
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

/**
 * A zip archive of files by path, in the order given. Paths and contents under 4 GiB together.
 * Source: PKWARE APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 */
export function zip(files: Iterable<ZipEntry>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, content, executable } of files) {
    const name = Buffer.from(path);
    const data = deflateRawSync(content);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0); // version needed
    shared.writeUInt16LE(0x800, 2); // names are UTF-8
    shared.writeUInt16LE(deflate, 4);
    shared.writeUInt16LE(dosDate, 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((executable ? executableFile : regularFile) * 0x10000, 6);
    tail.writeUInt32LE(offset, 10);
    const versionMadeBy = Buffer.from([20, 3]); // 3: Unix, so that the mode counts
    local.push(Buffer.from('PK\x03\x04'), shared, name, data);
    central.push(Buffer.from('PK\x01\x02'), versionMadeBy, shared, tail, name);
    offset += 4 + shared.length + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const count = local.length / 4;
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
