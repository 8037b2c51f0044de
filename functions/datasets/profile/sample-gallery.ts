import { type Html, html, isolate } from '../../page/html.ts';
import { type Card, gallery, picture, player } from '../../page/parts.ts';
import type { Sample } from '../run/sample.ts';

/** Records side by side, as pictures, players, text or rows. */
export function sampleGallery(samples: readonly Sample[]): Html {
  const broad = samples.some(({ picture: shown }) => shown === undefined);
  return gallery(samples.map(toCard), broad);
}

function toCard({ source, label, note, picture: shown, sound, text, row }: Sample): Card {
  const facts: [string, Html][] = (row ?? []).map(([name, value]) => [name, isolate(value, 120)]);
  if (label !== undefined) facts.push(['label', isolate(label, 120)]);
  if (note !== undefined) facts.push(['why', isolate(note, 300)]);
  const media = shown
    ? picture(Buffer.from(shown.base64, 'base64'), shown.type, `A record of ${source}`, shown.small)
    : sound && player(Buffer.from(sound, 'base64'), 'audio/wav', `The sound ${source}`);
  return {
    ...(media && { media }),
    ...(text !== undefined && { text: html`<blockquote>${isolate(text, 300)}</blockquote>` }),
    facts,
    source,
  };
}
