import { S3ServiceException } from '@aws-sdk/client-s3';
import type { WriteCondition } from '../services.ts';

const maxConflicts = 5;

/** The condition in the words of S3's writes. */
export function s3Condition({ replaces }: WriteCondition): { IfNoneMatch: string } | { IfMatch: string } {
  return replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: replaces };
}

/** A write failed because its condition does not hold. */
export function isRefused(error: unknown, { replaces }: WriteCondition): boolean {
  const status = statusOf(error);
  // 404: what it was to replace is gone.
  return status === 412 || (status === 404 && replaces !== undefined);
}

/** Repeats a write that met another at the same moment (ConditionalRequestConflict): now that one has won, or nobody has. */
export async function whileOthersWrite<Result>(write: () => Promise<Result>, attempt = 1): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (statusOf(error) !== 409 || attempt === maxConflicts) throw error;
    return await whileOthersWrite(write, attempt + 1);
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
