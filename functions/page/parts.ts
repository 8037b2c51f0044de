import { formatCount } from './format.ts';
import { Html, html, isolate } from './html.ts';

export interface Tile {
  readonly name: string;
  readonly value: string;
  /** A line below the value, e.g. its interval. */
  readonly note?: string;
  /** Between value and note, e.g. an intervalMark. */
  readonly mark?: Html;
  /** The tile that is read first. */
  readonly main?: boolean;
}

/** Numbers that are read at a glance. */
export function tiles(items: readonly Tile[]): Html {
  const item = ({ name: title, value, note, mark, main }: Tile) =>
    html`<li class="tile${main ? ' main' : ''}"><span>${title}</span><b>${value}</b>${mark}${note && html`<small>${note}</small>`}</li>`;
  return html`<ul class="tiles">${items.map(item)}</ul>`;
}

export interface Column {
  readonly title: string;
  /** Right-aligned, with figures of one width. */
  readonly number?: boolean;
}

/** A table that scrolls by itself where it is wider than the screen. The first cell of a row names it. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | Html)[])[]): Html {
  const align = (index: number) => new Html(columns[index]?.number ? ' class="number"' : '');
  const head = columns.map(({ title }, index) => html`<th scope="col"${align(index)}>${title}</th>`);
  const cell = (value: string | Html, index: number) =>
    index === 0 ? html`<th scope="row">${value}</th>` : html`<td${align(index)}>${value}</td>`;
  const body = rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`);
  return html`<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Shown instead of the value. */
  readonly text?: string;
}

/** Values beside each other, one line each, e.g. examples of each label. */
export function bars(title: string, items: readonly Bar[]): Html {
  const most = Math.max(...items.map(({ value }) => value), Number.MIN_VALUE);
  const item = ({ label, value, text = formatCount(value) }: Bar) =>
    html`<li>${isolate(label, 40)}<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="fill" width="${(100 * value) / most}" height="10"/></svg><span>${text}</span></li>`;
  return html`<ul class="bars" aria-label="${title}">${items.map(item)}</ul>`;
}

export interface Card {
  /** A picture or a player above the text. */
  readonly media?: Html;
  readonly text?: Html;
  readonly facts: readonly (readonly [string, string | Html])[];
  /** Where it came from. */
  readonly source?: string;
}

/** Examples side by side; `broad` for those that are text. */
export function gallery(cards: readonly Card[], broad = false): Html {
  const card = ({ media, text, facts, source }: Card) =>
    html`<li class="card">${media}<div>${text}<dl>${facts.map(([title, value]) => html`<dt>${title}</dt><dd>${value}</dd>`)}</dl>${source && html`<p class="source">${isolate(source)}</p>`}</div></li>\n`;
  return html`<ul class="gallery${broad ? ' broad' : ''}">${cards.map(card)}</ul>`;
}

/** Formats that a page may carry, by the bytes that it was made of itself. */
type MediaType = 'image/png' | 'image/jpeg' | 'image/webp' | 'audio/wav';

/** A picture of a card, with an SVG of its size over it. Small ones are shown larger, pixel by pixel. */
export function picture(bytes: Uint8Array, type: MediaType, alt: string, small: boolean, overlay?: Html): Html {
  const image = html`<img src="${dataUrl(bytes, type)}" alt="${alt}" class="${small ? 'small' : 'large'}">`;
  return html`<div class="media"><div class="layers">${image}${overlay}</div></div>`;
}

/** A player of a card. */
export function player(bytes: Uint8Array, type: MediaType, label: string): Html {
  return html`<div class="media low"><audio controls preload="none" src="${dataUrl(bytes, type)}" aria-label="${label}"></audio></div>`;
}

function dataUrl(bytes: Uint8Array, type: MediaType): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}
