import { appendFile, rename, stat } from 'node:fs/promises';

/** A longer log becomes `<file>.old` at the next start. */
const maxBytes = 10_000_000;
/** Lines are written together, so that logging costs a request nothing. */
const flushMilliseconds = 50;

/** From here on the console's lines go to `file`, as those of a Lambda function go to its log group. */
export async function keepLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size > maxBytes) await rename(file, `${file}.old`);
  let waiting = '';
  let written = Promise.resolve();
  const flush = () => {
    const lines = waiting;
    waiting = '';
    // A full disk must not end the platform; what is lost is the log, until there is room.
    written = written.then(() => appendFile(file, lines, { mode: 0o600 })).catch(() => {});
  };
  console.log = (line: string) => {
    if (waiting === '') setTimeout(flush, flushMilliseconds);
    waiting += `${line}\n`;
  };
}
