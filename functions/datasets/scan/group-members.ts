import type { FileRole } from '../read/classify-path.ts';
import type { FilesUnit, Member } from '../read/unit.ts';

/** Files that one worker reads. */
const unitFiles = 1000;
const unitBytes = 32 * 2 ** 20;
/** Files of one stem that stay together at most. */
const maxGroup = 10_000;

/**
 * Cuts files into units of at most 1,000 and about 32 MiB, a table by itself. Neighbours with one stem (`a/b` of `a/b.jpg` and
 * `a/b.json`) stay together: the one may be what stands beside the other. `describe` makes a unit of its members.
 */
export async function* groupMembers(
  members: AsyncIterable<Member>,
  classify: (path: string) => FileRole,
  describe: (members: Member[]) => FilesUnit,
): AsyncGenerator<FilesUnit> {
  let group: Member[] = [];
  let bytes = 0;
  let stem = '';
  for await (const member of members) {
    const role = member.refused ? 'input' : classify(member.path).role;
    if (role === 'ignored') continue;
    const next = stemOf(member.path);
    const isFull = group.length >= unitFiles || bytes + member.size > unitBytes;
    const cut = role === 'table' || (isFull && (next !== stem || group.length >= maxGroup));
    if (cut && group.length > 0) {
      yield describe(group);
      [group, bytes] = [[], 0];
    }
    group.push(member);
    bytes += role === 'table' ? unitBytes : member.size;
    stem = next;
  }
  if (group.length > 0) yield describe(group);
}

function stemOf(path: string): string {
  return path.slice(0, path.indexOf('.', path.lastIndexOf('/') + 1) >>> 0);
}
