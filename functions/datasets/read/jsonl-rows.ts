import { isUtf8 } from 'node:buffer';
import { ServiceError } from '../../errors.ts';
import { splitLines } from '../split-lines.ts';
import type { NumberedRow } from './csv-rows.ts';
import { Dropped } from './unit.ts';

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/** The objects of JSON lines, numbered from `first` on; empty lines are none, but they are counted. */
export async function* readJsonlRows(chunks: AsyncIterable<Uint8Array>, first: number): AsyncGenerator<NumberedRow> {
  let number = first;
  try {
    for await (const { bytes, start } of splitLines(chunks)) {
      const line = start === 0 && bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
      const isEmpty = line.length === 0 || (line.length < 64 && line.toString('latin1').trim() === '');
      if (!isEmpty) yield { number, row: parseLine(line) };
      number++;
    }
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'payload_too_large')) throw error;
    yield { number, row: new Dropped('too-large', `${error.message}; what follows is not read`, error) };
  }
}

function parseLine(line: Buffer): Record<string, unknown> | Dropped {
  if (!isUtf8(line)) return new Dropped('undecodable', 'the line is not UTF-8');
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    return new Dropped('broken-row', `the line is no JSON: ${(cause as Error).message.slice(0, 200)}`, cause);
  }
  return new Dropped('broken-row', 'the line is no JSON object');
}
