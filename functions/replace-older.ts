import type { Services } from './services.ts';

interface Newer {
  /** Of the upload that `body` belongs to. */
  readonly sequencer: string;
  readonly contentType?: string;
}

/** Writes an object of the data bucket unless there is one that belongs to the same or a newer upload: false then. */
export async function replaceOlder(
  key: string,
  body: Uint8Array,
  { sequencer, contentType }: Newer,
  effects: Pick<Services, 'findData' | 'writeData'>,
): Promise<boolean> {
  for (;;) {
    const current = await effects.findData(key);
    if (current && !isNewer(sequencer, current.sequencer ?? '')) return false;
    const condition = { sequencer, ...(contentType && { contentType }), ...(current && { replaces: current.etag }) };
    if (await effects.writeData(key, body, condition)) return true;
  }
}

/** Sequencers are hexadecimal; a shorter one is padded with zeros on the right. Source: AWS, "Event message structure". */
export function isNewer(a: string, b: string): boolean {
  const length = Math.max(a.length, b.length);
  return a.padEnd(length, '0') > b.padEnd(length, '0');
}
