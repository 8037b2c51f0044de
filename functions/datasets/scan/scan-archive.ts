import { plainPath } from '../../archives/plain-path.ts';
import { readTar } from '../../archives/read-tar.ts';
import { findZipDirectory, readZipDirectory, type ZipMember } from '../../archives/zip-directory.ts';
import type { FileRole } from '../read/classify-path.ts';
import { type DataFile, isReadError, type ReadEffects, readRange, streamRange } from '../read/data-range.ts';
import type { FilesUnit, Member, Unit } from '../read/unit.ts';
import { groupMembers } from './group-members.ts';

const maxMembers = 2_000_000;
/** So many members of a zip can be put in order, which sidecars need: its directory may have any. */
const maxSorted = 300_000;

export interface Archive extends DataFile {
  readonly source: string;
  readonly size: number;
  readonly format: 'tar' | 'zip';
}

interface ScanOptions {
  readonly classify: (path: string) => FileRole;
  readonly hasSidecars: boolean;
}

/** The units of an archive. What cannot be read of it is a unit that says so. Holds no more than one unit. */
export async function* scanArchive(archive: Archive, options: ScanOptions, effects: ReadEffects): AsyncGenerator<Unit> {
  const { key, etag, source, format } = archive;
  const describe = (members: Member[]): FilesUnit => ({ kind: 'files', container: format, key, etag, source, members });
  const found: { problem?: Unit } = {};
  const members = format === 'tar' ? tarMembers(archive, effects) : zipMembers(archive, options, effects);
  const whole = async function* () {
    try {
      let count = 0;
      for await (const member of members) {
        count += 1;
        if (count > maxMembers) throw new Error(`the archive has more than ${maxMembers} files`);
        yield member;
      }
    } catch (error) {
      if (isReadError(error)) throw error;
      const detail = (error as Error).message.slice(0, 300);
      found.problem = { kind: 'refused', source, refused: { reason: 'unreadable-archive', detail } };
    }
  };
  yield* groupMembers(whole(), options.classify, describe);
  if (found.problem) yield found.problem;
}

async function* tarMembers(archive: Archive, effects: ReadEffects): AsyncGenerator<Member> {
  for await (const { path, size, start } of readTar(streamRange(archive, effects)))
    yield checked({ path, size, start });
}

async function* zipMembers(
  archive: Archive,
  { hasSidecars }: ScanOptions,
  effects: ReadEffects,
): AsyncGenerator<Member> {
  const directory = await findZipDirectory(archive.size, (start, end) => readRange(archive, effects, start, end));
  const chunks = streamRange(archive, effects, directory.start, directory.start + directory.size);
  let compressed = 0;
  const members = async function* () {
    for await (const member of readZipDirectory(chunks, directory)) {
      compressed += member.compressedSize;
      // Files that share their bytes are what a bomb is made of.
      if (compressed > archive.size) throw new Error('the archive has files that overlap');
      yield toMember(member, archive.size);
    }
  };
  if (!hasSidecars) return yield* members();
  if (directory.entries > maxSorted) {
    throw new Error(`a zip with files beside its records has at most ${maxSorted} files; a tar may have more`);
  }
  yield* (await Array.fromAsync(members())).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function toMember(found: ZipMember, archiveSize: number): Member {
  const { path, size, compressedSize, start, method, encrypted } = found;
  const member = { path, size, start, ...(method !== 0 && { deflatedSize: compressedSize }) };
  if (encrypted) return refuse(member, 'encrypted', 'it is encrypted');
  if (method !== 0 && method !== 8)
    return refuse(member, 'unreadable-archive', `its compression ${method} is not known`);
  if (start + compressedSize > archiveSize || (method === 0 && size !== compressedSize)) {
    return refuse(member, 'unreadable-archive', 'the directory of the archive gives sizes that cannot be');
  }
  return checked(member);
}

function checked(member: Member): Member {
  const path = plainPath(member.path);
  if (path !== undefined) return { ...member, path };
  return refuse(member, 'unsafe-path', 'its name leaves the archive, or is none that a file can have');
}

function refuse(member: Member, reason: 'encrypted' | 'unreadable-archive' | 'unsafe-path', detail: string): Member {
  // A name that is no plain one is shown, and looked at no further.
  const path = member.path.replaceAll(/[\\\p{Cc}]/gu, '\ufffd').slice(0, 256);
  return { ...member, path, refused: { reason, detail } };
}
