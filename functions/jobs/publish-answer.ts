import { isNewer, replaceOlder } from '../replace-older.ts';
import type { Services } from '../services.ts';
import { outboxKey } from '../storage/object-keys.ts';
import type { Upload } from './answer-upload.ts';

type Effects = Pick<Services, 'findData' | 'writeData' | 'removeData'>;

/**
 * Puts an answer where the uploader looks for it, unless a newer version's is there, and takes an older one of the other
 * kind (answer or error) away. Of two that run at once, the one that looks last sees what the other has written.
 */
export async function publishAnswer(upload: Upload, answer: Buffer, effects: Effects): Promise<void> {
  const failed = 'error' in (JSON.parse(answer.toString('utf8')) as object);
  const [own, other] = [outboxKey(upload.key, failed), outboxKey(upload.key, !failed)];
  await replaceOlder(own, answer, { sequencer: upload.sequencer }, effects);
  for (;;) {
    const [mine, rival] = [await effects.findData(own), await effects.findData(other)];
    // A newer version has taken the place over, and looks after the rest.
    if (mine?.sequencer !== upload.sequencer || !rival) return;
    if (isNewer(rival.sequencer ?? '', upload.sequencer)) await effects.removeData(own, mine.etag);
    else await effects.removeData(other, rival.etag);
  }
}
