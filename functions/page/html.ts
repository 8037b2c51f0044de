/** Text that is HTML already; everything else is escaped where it is put into `html`. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | undefined | false | readonly Value[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML with values put in as text: no value becomes a tag, an attribute of its own, or an entity. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(strings.map((text, index) => text + (index < values.length ? render(values[index]) : '')).join(''));
}

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeText(String(value));
}

/** Control characters, which HTML forbids, become visible marks; half a surrogate pair becomes U+FFFD. */
function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"']/g, (character) => entities[character]!)
    .replaceAll(/\p{Cc}/gu, (character) => (/\s/.test(character) ? character : visible(character)));
}

/** The picture of a control character, e.g. ␀. */
function visible(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20 ? String.fromCodePoint(0x2400 + code) : '\ufffd';
}

/** A name that somebody gave: whatever its direction of writing, it leaves the text around it alone. */
export function isolate(text: string, most = 120): Html {
  return html`<bdi>${shorten(text, most)}</bdi>`;
}

/** The text, or its beginning with `…`; no character is cut in the middle. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(text.slice(0, 2 * most + 2));
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}
