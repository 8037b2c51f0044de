import { streamRange } from '../read/data-range.ts';
import { type Unit, unitSchema } from '../read/unit.ts';
import { splitLines } from '../split-lines.ts';
import { type Run, runKey } from './run.ts';
import { scanLineSchema, scannedPath } from './scan-item.ts';
import { readList } from './stages.ts';

/** All units, in the order of the scans' list: those that needed no scan, and those that a scan has found. */
export async function* listUnits({ work, effects }: Run): AsyncGenerator<Unit> {
  let number = 0;
  for await (const { text } of readList(work, 'scan', effects)) {
    const line = scanLineSchema.parse(JSON.parse(text));
    if ('unit' in line) yield line.unit;
    else {
      const key = runKey(work, scannedPath(number));
      const object = await effects.findData(key);
      if (!object) throw new Error('the units of a scan are gone');
      for await (const { bytes } of splitLines(streamRange({ key, etag: object.etag }, effects))) {
        yield unitSchema.parse(JSON.parse(bytes.toString('utf8')));
      }
    }
    number += 1;
  }
}
