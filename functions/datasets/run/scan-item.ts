import * as z from 'zod';
import { gunzipStream, TooLarge } from '../../archives/inflate.ts';
import { pathClassifier } from '../read/classify-path.ts';
import { streamRange } from '../read/data-range.ts';
import { type Unit, unitSchema } from '../read/unit.ts';
import { scanArchive } from '../scan/scan-archive.ts';
import { scanTable } from '../scan/scan-table.ts';
import { type Run, runKey, toJson } from './run.ts';

/** Most bytes that a compressed table or archive may become. */
const maxUnpackedBytes = 50 * 2 ** 30;

const containerSchema = z.object({
  key: z.string(),
  etag: z.string(),
  size: z.int(),
  format: z.enum(['jsonl', 'csv', 'parquet', 'tar', 'zip']),
  gzip: z.boolean(),
});

type Container = z.infer<typeof containerSchema>;

/** A line of the list of scans: a unit that needs none, or a table or an archive. */
export const scanLineSchema = z.union([z.object({ container: containerSchema }), z.object({ unit: unitSchema })]);
export type ScanLine = z.infer<typeof scanLineSchema>;

export const scanResultSchema = z.object({ units: z.int() });

/** Where the units of a scanned container are listed. */
export function scannedPath(number: number): string {
  return `scan/${number}.jsonl`;
}

/** Looks through a table or an archive and lists the units that it is read in. */
export async function scanItem(run: Run, line: unknown, number: number): Promise<z.infer<typeof scanResultSchema>> {
  const { container } = z.object({ container: containerSchema }).parse(line);
  let units = 0;
  const lines = async function* () {
    for await (const unit of unitsOf(run, container, number)) {
      units += 1;
      yield toJson(unit);
    }
  };
  await run.effects.writeDataStream(runKey(run.work, scannedPath(number)), lines(), {});
  return { units };
}

async function* unitsOf(run: Run, container: Container, number: number): AsyncGenerator<Unit> {
  const { definition, effects } = run;
  const source = container.key;
  let plain: Omit<Container, 'format' | 'gzip'> = container;
  try {
    if (container.gzip) plain = await unpack(run, container, number);
  } catch (error) {
    // Only what zlib says is the file's fault; bytes may fail to arrive, or to be written.
    const isDamaged = String((error as NodeJS.ErrnoException).code).startsWith('Z_');
    if (!(error instanceof TooLarge) && !isDamaged) throw error;
    const reason = error instanceof TooLarge ? 'too-large' : 'unreadable-archive';
    return yield {
      kind: 'refused',
      source,
      refused: { reason, detail: `it cannot be unpacked: ${(error as Error).message}` },
    };
  }
  const { key, etag, size } = plain;
  const { format } = container;
  if (format !== 'tar' && format !== 'zip') return yield* scanTable({ key, etag, size, source, format }, effects);
  const { label, group, split } = definition;
  const hasSidecars = [label, group, split.given].some((place) => place?.from === 'sidecar');
  const options = { classify: pathClassifier(definition), hasSidecars };
  yield* scanArchive({ key, etag, size, source, format }, options, effects);
}

/** Compressed bytes can be read from the beginning only: workers share what comes out. */
async function unpack(
  { work, effects }: Run,
  file: Container,
  number: number,
): Promise<{ key: string; etag: string; size: number }> {
  const key = runKey(work, `scan/${number}.unpacked`);
  if (!(await effects.findData(key))) {
    await effects.writeDataStream(key, gunzipStream(streamRange(file, effects), maxUnpackedBytes), {});
  }
  const { etag, size } = (await effects.findData(key))!;
  return { key, etag, size };
}
