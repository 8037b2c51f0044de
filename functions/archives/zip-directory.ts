import { createByteReader } from './byte-reader.ts';

/** Source of all: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.5. */
const signatures = {
  localFile: 0x04034b50,
  directory: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};
const sizes = { localFile: 30, directory: 46, end: 22, end64: 56, locator64: 20 };
const maxCommentBytes = 65_535;
const full32 = 0xffff_ffff;

/** A file of a zip archive, as the directory at the archive's end has it. */
export interface ZipMember {
  readonly path: string;
  /** Bytes that come out, as the directory says. */
  readonly size: number;
  readonly compressedSize: number;
  /** Where its local header begins. */
  readonly start: number;
  /** 0: stored, 8: deflated; others are not known here. */
  readonly method: number;
  readonly encrypted: boolean;
}

/** Where the directory lies, and how many entries it has. */
export interface ZipDirectory {
  readonly start: number;
  readonly size: number;
  readonly entries: number;
}

/** Bytes of the archive from `start` to before `end`. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** Finds the directory of a zip (or zip64) archive of `size` bytes. Throws an Error where there is none. */
export async function findZipDirectory(size: number, read: ReadRange): Promise<ZipDirectory> {
  const tailStart = Math.max(0, size - sizes.end - maxCommentBytes - sizes.locator64);
  const tail = await read(tailStart, size);
  const at = findEnd(tail);
  const found = {
    entries: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    start: tail.readUInt32LE(at + 16),
  };
  const is64 = found.entries === 0xffff || found.size === full32 || found.start === full32;
  const directory = is64 ? await findDirectory64(tail, at, read) : found;
  const end = tailStart + at;
  if (directory.start + directory.size > end) throw new Error('the archive has a directory that does not lie in it');
  return directory;
}

function findEnd(tail: Buffer): number {
  for (let at = tail.length - sizes.end; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== signatures.end) continue;
    if (at + sizes.end + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  throw new Error('the archive has no directory at its end: it is cut off, or no zip');
}

async function findDirectory64(tail: Buffer, end: number, read: ReadRange): Promise<ZipDirectory> {
  const locator = end - sizes.locator64;
  if (locator < 0 || tail.readUInt32LE(locator) !== signatures.locator64) {
    throw new Error('the archive has no zip64 directory where it needs one');
  }
  const start = Number(tail.readBigUInt64LE(locator + 8));
  const record = await read(start, start + sizes.end64);
  if (record.length < sizes.end64 || record.readUInt32LE(0) !== signatures.end64) {
    throw new Error('the archive has no zip64 directory where it says');
  }
  return {
    entries: Number(record.readBigUInt64LE(32)),
    size: Number(record.readBigUInt64LE(40)),
    start: Number(record.readBigUInt64LE(48)),
  };
}

/** The files of a directory whose bytes come in chunks; folders are passed over. Throws an Error where it is damaged. */
export async function* readZipDirectory(
  chunks: AsyncIterable<Uint8Array>,
  { entries }: ZipDirectory,
): AsyncGenerator<ZipMember> {
  const reader = createByteReader(chunks);
  for (let entry = 0; entry < entries; entry++) {
    const head = await reader.read(sizes.directory);
    if (head.length < sizes.directory || head.readUInt32LE(0) !== signatures.directory) {
      throw new Error(`the archive's directory ends after ${entry} of ${entries} entries`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((at) => head.readUInt16LE(at)) as [
      number,
      number,
      number,
    ];
    const rest = await reader.read(nameBytes + extraBytes + commentBytes);
    const name = rest.subarray(0, nameBytes);
    const flags = head.readUInt16LE(8);
    const member = {
      // Names without the flag of UTF-8 are in code page 437; those that are UTF-8 all the same are read as such.
      path: decodeName(name, (flags & 0x800) !== 0),
      size: head.readUInt32LE(24),
      compressedSize: head.readUInt32LE(20),
      start: head.readUInt32LE(42),
      method: head.readUInt16LE(10),
      encrypted: (flags & 1) !== 0,
    };
    if (!member.path.endsWith('/')) yield withSizes64(member, rest.subarray(nameBytes, nameBytes + extraBytes));
  }
}

function decodeName(name: Buffer, isUtf8: boolean): string {
  const text = name.toString('utf8');
  return isUtf8 || !text.includes('\ufffd') ? text : name.toString('latin1');
}

/** The zip64 extra field holds, in this order, those numbers that did not fit. */
function withSizes64(member: ZipMember, extra: Buffer): ZipMember {
  const found: { -readonly [Name in keyof ZipMember]: ZipMember[Name] } = { ...member };
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const end = Math.min(extra.length, at + 4 + extra.readUInt16LE(at + 2));
    let field = at + 4;
    for (const name of ['size', 'compressedSize', 'start'] as const) {
      if (found[name] !== full32 || field + 8 > end) continue;
      found[name] = Number(extra.readBigUInt64LE(field));
      field += 8;
    }
  }
  return found;
}

/** How far behind its local header's beginning a file's bytes begin. Throws an Error for bytes that are no local header. */
export function zipDataOffset(header: Buffer): number {
  if (header.length < sizes.localFile || header.readUInt32LE(0) !== signatures.localFile) {
    throw new Error('the archive has no file where its directory says');
  }
  return sizes.localFile + header.readUInt16LE(26) + header.readUInt16LE(28);
}
