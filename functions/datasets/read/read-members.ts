import { inflateMember, inflateStream, TooLarge } from '../../archives/inflate.ts';
import { zipDataOffset } from '../../archives/zip-directory.ts';
import { type DataFile, isReadError, type ReadEffects, readRange, streamRange } from './data-range.ts';
import { Dropped, type FilesUnit, type Member } from './unit.ts';

/** Most bytes of a file that is one record. */
export const maxFileBytes = 32 * 2 ** 20;
/** Members that lie close together in an archive are read at once, up to this many bytes. */
const spanBytes = 8 * 2 ** 20;
const gapBytes = 65_536;
/** A local header of zip has 30 bytes, the name, and extra fields whose size only it tells. */
const headerBytes = 30 + 512;
/** Objects of their own that are asked for before their turn. */
const readAhead = 8;

/** A file of a unit: its bytes at once, or as they come. */
export interface OpenedMember {
  readonly member: Member;
  /** Throws Dropped where the archive cannot give it, and where it is larger than one record may be. */
  read(): Promise<Buffer>;
  stream(): AsyncIterable<Buffer>;
}

/** The files of a unit in their order. */
export async function* openMembers(unit: FilesUnit, effects: ReadEffects): AsyncGenerator<OpenedMember> {
  if (unit.container === 'objects') yield* openObjects(unit.members, effects);
  else yield* openArchive(unit, effects);
}

async function* openObjects(members: readonly Member[], effects: ReadEffects): AsyncGenerator<OpenedMember> {
  const begun: { member: Member; reading: Promise<Buffer> | undefined }[] = [];
  const open = ({ member, reading }: (typeof begun)[number]): OpenedMember => {
    const file = { key: member.key!, etag: member.etag! };
    const read = async () => (await reading) ?? (await readRange(file, effects, 0, member.size));
    return guarded(member, read, () => streamRange(file, effects));
  };
  for (const member of members) {
    const ahead = member.size <= spanBytes && member.size > 0 && !member.refused;
    const reading = ahead ? readRange({ key: member.key!, etag: member.etag! }, effects, 0, member.size) : undefined;
    // Looked at when its turn comes.
    reading?.catch(() => undefined);
    begun.push({ member, reading });
    if (begun.length === readAhead) yield open(begun.shift()!);
  }
  for (const one of begun) yield open(one);
}

async function* openArchive({ container, key, etag, members }: FilesUnit, effects: ReadEffects) {
  const archive = { key: key!, etag: etag! };
  for (const span of spansOf(members)) {
    const { start, end } = rangeOf(span);
    const bytes = end - start <= spanBytes ? await readRange(archive, effects, start, end) : undefined;
    for (const member of span) {
      const place = container === 'tar' ? tarPlace(member) : await zipPlace(member, archive, effects, bytes, start);
      const read = async () => readPlace(await place(), archive, effects, bytes && { bytes, start });
      const stream = async function* () {
        const { from, length } = await place();
        const chunks = streamRange(archive, effects, from, from + length);
        yield* member.deflatedSize === undefined ? chunks : inflateStream(chunks, member.size);
      };
      yield guarded(member, async () => inflateIfNeeded(await read(), member), stream);
    }
  }
}

interface Place {
  readonly from: number;
  readonly length: number;
}

function tarPlace({ start, size }: Member): () => Promise<Place> {
  return async () => ({ from: start!, length: size });
}

async function zipPlace(
  { start, size, deflatedSize = size }: Member,
  archive: DataFile,
  effects: ReadEffects,
  span: Buffer | undefined,
  spanStart: number,
): Promise<() => Promise<Place>> {
  return async () => {
    const header = span
      ? span.subarray(start! - spanStart, start! - spanStart + 30)
      : await readRange(archive, effects, start!, start! + 30);
    return { from: start! + zipDataOffset(header), length: deflatedSize };
  };
}

async function readPlace(
  { from, length }: Place,
  archive: DataFile,
  effects: ReadEffects,
  span?: { bytes: Buffer; start: number },
): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const end = from + length;
  const inSpan = span && end <= span.start + span.bytes.length;
  const bytes = inSpan
    ? span.bytes.subarray(from - span.start, end - span.start)
    : await readRange(archive, effects, from, end);
  if (bytes.length < length) throw new Error('the archive ends within it');
  return bytes;
}

function inflateIfNeeded(bytes: Buffer, { size, deflatedSize }: Member): Buffer {
  return deflatedSize === undefined ? bytes : inflateMember(bytes, size);
}

/** What is too large or fails in the archive is Dropped. */
function guarded(member: Member, read: () => Promise<Buffer>, stream: () => AsyncIterable<Buffer>): OpenedMember {
  return {
    member,
    async read() {
      if (member.size > maxFileBytes) {
        throw new Dropped('too-large', `it has ${member.size} bytes; ${maxFileBytes} are allowed`);
      }
      try {
        return await read();
      } catch (error) {
        throw asDropped(error);
      }
    },
    async *stream() {
      try {
        yield* stream();
      } catch (error) {
        throw asDropped(error);
      }
    },
  };
}

/** Errors of archives and of compression are the file's fault. */
function asDropped(error: unknown): unknown {
  if (error instanceof Dropped || isReadError(error)) return error;
  const reason = error instanceof TooLarge ? 'too-large' : 'unreadable-archive';
  return new Dropped(reason, (error as Error).message.slice(0, 300), error);
}

function rangeOf(span: readonly Member[]): { start: number; end: number } {
  const ends = span.map(({ start = 0, size, deflatedSize = size }) => start + headerBytes + deflatedSize);
  return { start: Math.min(...span.map(({ start = 0 }) => start)), end: Math.max(...ends) };
}

/** Neighbours in the archive, in the order of the unit. */
function* spansOf(members: readonly Member[]): Generator<Member[]> {
  let span: Member[] = [];
  for (const member of members) {
    const joined = rangeOf([...span.slice(0, 1), ...span.slice(-1), member]);
    const last = span.at(-1);
    const gap = last ? (member.start ?? 0) - rangeOf([last]).end : 0;
    const apart = gap > gapBytes || (member.start ?? 0) < (last?.start ?? 0);
    if (span.length > 0 && (apart || joined.end - joined.start > spanBytes)) {
      yield span;
      span = [];
    }
    span.push(member);
  }
  if (span.length > 0) yield span;
}
