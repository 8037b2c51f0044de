import { createHash } from 'node:crypto';
import { log } from '../log.ts';
import type { DataObject, Services } from '../services.ts';
import { inboxAnswerKey, parseInboxKey } from '../storage/object-keys.ts';
import { type Answering, answerFile } from './answer-file.ts';
import { publishAnswer } from './publish-answer.ts';

type Effects = Answering &
  Pick<Services, 'readData' | 'findData' | 'writeData' | 'removeData' | 'claim' | 'releaseClaim'>;

/** An object that was uploaded, as its event tells. */
export interface Upload {
  readonly key: string;
  readonly versionId: string;
  /** Grows with each version of one key; compared as text. */
  readonly sequencer: string;
}

/** Larger uploads are refused: the function holds the whole file. */
const maxFileBytes = 104_857_600;

/** Between the deadline and the function's end. */
const claimMarginMilliseconds = 15_000;

/**
 * One file, one answer: `inbox/<model>[@<alias>]/<path>` → `outbox/…/<path>.json`, or `.error.json` with the reason. May run
 * any number of times for one version of an object, in any order, also at once: the first answer that was written is the
 * answer of that version, and the newest version's answer is the one in the outbox. A version that was replaced before
 * its turn came is not answered. What may succeed later is thrown.
 */
export async function answerUpload(
  upload: Upload,
  messageId: string,
  effects: Effects,
  deadline: number,
): Promise<void> {
  const parsed = parseInboxKey(upload.key);
  if (!parsed) return; // a folder, as consoles make them
  const answerKey = inboxAnswerKey(upload.key, upload.versionId);
  const answer = (await effects.readData(answerKey)) ?? (await makeAnswer());
  if (answer) await publishAnswer(upload, answer, effects);

  async function makeAnswer(): Promise<Buffer | undefined> {
    const object = await effects.findData(upload.key);
    if (!object || (object.versionId ?? '') !== upload.versionId) return undefined;
    const claim = await effects.claim(answerKey, messageId, deadline + claimMarginMilliseconds);
    // Held by another message of the same version: that one comes again until it is done.
    if (claim === undefined) return undefined;
    try {
      const bytes = await render(object);
      if (await effects.writeData(answerKey, bytes, { sequencer: upload.sequencer })) return bytes;
      log('info', 'an upload was answered twice at once; the first answer stands');
      return await effects.readData(answerKey);
    } catch (error) {
      await effects.releaseClaim(answerKey, claim);
      throw error;
    }
  }

  async function render({ size, contentType }: DataObject): Promise<Buffer> {
    const body = size <= maxFileBytes ? await effects.readData(upload.key) : undefined;
    const outcome =
      size <= maxFileBytes
        ? await answerFile(parsed!.reference, { key: upload.key, body: body!, contentType }, effects, deadline)
        : { error: { code: 'payload_too_large', message: `the file has ${size} bytes; ${maxFileBytes} are allowed` } };
    const sha256 = body && createHash('sha256').update(body).digest('hex');
    return Buffer.from(`${JSON.stringify({ input: { ...upload, size, sha256 }, ...outcome }, null, 2)}\n`);
  }
}
