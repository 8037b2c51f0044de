import { ServiceError } from '../../errors.ts';
import type { Services } from '../../services.ts';

export type ReadEffects = Pick<Services, 'streamData'>;

/** An object with the content that it had when it was listed. */
export interface DataFile {
  readonly key: string;
  readonly etag: string;
}

/** Bytes did not arrive: nothing is known of what is in them. */
export class ReadFailed extends Error {}

/** Whether an error is of the way to the bytes, and not of the bytes. */
export function isReadError(error: unknown): boolean {
  return error instanceof ReadFailed || error instanceof ServiceError || !(error instanceof Error);
}

/** Its bytes from `start` to before `end`, as they come. Throws conflict where it was replaced or removed since. */
export async function* streamRange(
  { key, etag }: DataFile,
  effects: ReadEffects,
  start = 0,
  end?: number,
): AsyncGenerator<Buffer> {
  if (end !== undefined && end <= start) return;
  const part = start === 0 && end === undefined ? { etag } : { start, etag, ...(end !== undefined && { end }) };
  try {
    const chunks = await effects.streamData(key, part);
    if (!chunks) throw new ServiceError('conflict', `'${key}' was removed while the data set was prepared`);
    yield* chunks;
  } catch (cause) {
    throw cause instanceof ServiceError ? cause : new ReadFailed('an object could not be read', { cause });
  }
}

export async function readRange(file: DataFile, effects: ReadEffects, start: number, end: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(streamRange(file, effects, start, end)));
}
