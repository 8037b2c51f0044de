import { readTar } from '../archives/read-tar.ts';
import { type TarEntry, tar } from '../archives/tar.ts';
import { ServiceError } from '../errors.ts';
import { identifyFormat } from '../media/identify-format.ts';
import { jsonRecordSchema, type PreparedRecord, recordMetadataSchema } from './prepared-record.ts';
import { splitLines } from './split-lines.ts';

/** Most bytes of one record's file in a shard. */
const maxMemberBytes = 64 * 2 ** 20;

/** How a shard holds its records: a JSON line each, or a file and its JSON each (WebDataset). */
export type ShardFormat = 'jsonl' | 'tar';

/** File endings by format; what is none of these gets `bin`. */
const endings: Readonly<Record<string, string>> = {
  ...{ JPEG: 'jpg', PNG: 'png', WebP: 'webp', GIF: 'gif', WAV: 'wav', MP3: 'mp3', FLAC: 'flac', Ogg: 'ogg' },
  ...{ MP4: 'mp4', 'WebM or Matroska': 'webm', PDF: 'pdf', ZIP: 'zip', TIFF: 'tif', BMP: 'bmp' },
};

/**
 * The records of a shard, by its key's ending. Bytes that begin and end between two records are fine too. Throws
 * invalid_request where the bytes are no shard.
 */
export async function* readShard(key: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PreparedRecord> {
  let failure: unknown;
  const source = async function* () {
    try {
      yield* chunks;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  try {
    yield* key.endsWith('.tar') ? readTarShard(source()) : readJsonlShard(source());
  } catch (cause) {
    // What fails on its way here says nothing of the shard.
    if (cause === failure || cause instanceof ServiceError) throw cause;
    throw new ServiceError('invalid_request', `'${key}' is no shard of a prepared data set`, { cause });
  }
}

async function* readJsonlShard(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PreparedRecord> {
  for await (const { bytes } of splitLines(chunks)) yield jsonRecordSchema.parse(JSON.parse(bytes.toString('utf8')));
}

async function* readTarShard(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PreparedRecord> {
  let inputs: Uint8Array | undefined;
  for await (const member of readTar(chunks)) {
    if (member.size > maxMemberBytes) throw new Error(`${member.path} is too large`);
    const data = await member.read();
    if (!inputs) {
      inputs = data;
      continue;
    }
    yield { ...recordMetadataSchema.parse(JSON.parse(data.toString('utf8'))), inputs };
    inputs = undefined;
  }
  if (inputs) throw new Error('the last file has no record');
}

/** The bytes of one record in a shard, without an archive's end mark: those of several follow each other. */
export function encodeRecord(record: PreparedRecord, format: ShardFormat): Buffer {
  if (format === 'jsonl') return Buffer.from(`${JSON.stringify(record)}\n`);
  const { inputs, ...metadata } = record;
  if (!(inputs instanceof Uint8Array)) throw new Error(`the record ${record.id} is no file`);
  const entries: TarEntry[] = [
    { path: `${record.id}.${endings[identifyFormat(inputs) ?? ''] ?? 'bin'}`, data: inputs },
    { path: `${record.id}.json`, data: Buffer.from(JSON.stringify(metadata)) },
  ];
  return tar(entries, false);
}

/** What follows a shard's last record. */
export function shardEnd(format: ShardFormat): Uint8Array {
  return format === 'tar' ? tar([]) : new Uint8Array();
}
