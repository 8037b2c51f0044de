import { formatCount, formatPercent } from './format.ts';
import { type Html, html, shorten } from './html.ts';

/** Rows and columns of one list of labels, e.g. a confusion matrix: `counts[row][column]`. */
export interface HeatMap {
  readonly title: string;
  readonly rows: string;
  readonly columns: string;
  readonly labels: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

const labelUnits = 6.2;
/** Cells narrower than this hold no number. */
const numberUnits = 20;

/** A cell is as dark as its share of its row; the diagonal has the colour of what is right. Scrolls where it is wide. */
export function heatMap({ title, rows, columns, labels, counts }: HeatMap): Html {
  const names = labels.map((label) => shorten(label, 16));
  const margin = 24 + labelUnits * Math.max(1, ...names.map((name) => name.length));
  const cell = Math.min(44, Math.max(12, 560 / labels.length));
  const steep = names.some((name) => name.length * labelUnits > cell);
  const top = steep ? margin : 40;
  const cells = counts.flatMap((row, y) => row.map((count, x) => ({ count, x, y, total: sum(row) })));
  const [width, height] = [margin + cell * labels.length + 4, top + cell * labels.length + 4];
  const at = (index: number) => cell * (index + 0.5);
  return html`<div class="scroll wide" tabindex="0"><svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"><title>${title}</title>
<text class="middle strong" x="${margin + (cell * labels.length) / 2}" y="11">${columns}</text>
<text class="middle strong" transform="translate(11 ${top + (cell * labels.length) / 2}) rotate(-90)">${rows}</text>
${names.map((name, index) => html`<text class="end" x="${margin - 6}" y="${top + at(index) + 4}">${name}</text>${columnName(name, margin + at(index), top - 6, steep)}`)}
${cells.map(({ count, x, y, total }) => renderCell(count, count / total || 0, { x: margin + cell * x, y: top + cell * y, size: cell }, `${rows} ${labels[y]}, ${columns} ${labels[x]}`, x === y))}</svg></div>`;
}

function columnName(name: string, x: number, y: number, steep: boolean): Html {
  if (!steep) return html`<text class="middle" x="${x}" y="${y}">${name}</text>`;
  return html`<text transform="translate(${x + 4} ${y}) rotate(-90)">${name}</text>`;
}

interface Square {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

function renderCell(count: number, share: number, { x, y, size }: Square, title: string, right: boolean): Html {
  const opacity = count === 0 ? 0 : 0.15 + 0.85 * share;
  const inner = size - 1.5;
  const number =
    count > 0 &&
    size >= numberUnits &&
    html`<text class="middle ${opacity > 0.55 ? 'on' : 'strong'}" x="${x + size / 2}" y="${y + size / 2 + 4}">${short(count)}</text>`;
  return html`<g><title>${title}: ${formatCount(count)} (${formatPercent(share)})</title><rect class="ground" x="${x}" y="${y}" width="${inner}" height="${inner}" rx="2"/><rect class="${right ? 'fill' : 'bad'}" fill-opacity="${opacity.toFixed(3)}" x="${x}" y="${y}" width="${inner}" height="${inner}" rx="2"/>${number}</g>`;
}

/** 12345 → 12k: what fits into a cell. */
function short(count: number): string {
  if (count < 1000) return String(count);
  return count < 1e6 ? `${Math.round(count / 1000)}k` : `${Math.round(count / 1e6)}M`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
