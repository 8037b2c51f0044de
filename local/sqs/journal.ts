import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Lines above which a journal is written anew, if most of them no longer matter. */
const compactAbove = 10_000;

export interface Journal<Entry> {
  /** Is on disk, or at least with the operating system, when this returns. */
  append(entry: Entry): void;
  close(): void;
}

/**
 * A file of JSON lines that outlives a kill at any moment. `replay` gets what was kept; `snapshot` gives the entries that
 * lead to the state of now, for a shorter file. A line that was cut, by a kill or a full disk, was never acknowledged and
 * is dropped.
 */
export function openJournal<Entry>(
  file: string,
  replay: (entry: Entry) => void,
  snapshot: () => Entry[],
): Journal<Entry> {
  if (existsSync(file)) {
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    let lost = 0;
    for (const line of lines) {
      const entry = parseLine<Entry>(line);
      if (entry) replay(entry);
      else lost += 1;
    }
    if (lost > 0)
      process.stderr.write(`lambent: ${file}: ${lost} lines, damaged or cut by a full disk, are left out\n`);
  }
  let lines = 0;
  let cut = false;
  const compact = () => {
    const entries = snapshot();
    writeFileSync(`${file}.new`, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    lines = entries.length;
    nextCompaction = Math.max(compactAbove, 4 * lines);
  };
  let nextCompaction = 0;
  compact();
  return {
    append: (entry) => {
      const start = cut ? '\n' : '';
      cut = true;
      appendFileSync(file, `${start}${JSON.stringify(entry)}\n`);
      cut = false;
      lines += 1;
      if (lines > nextCompaction) compact();
    },
    close: compact,
  };
}

function parseLine<Entry>(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}
