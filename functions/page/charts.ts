import { formatCount, formatNumber } from './format.ts';
import { type Html, html, shorten } from './html.ts';

/** Charts are SVG in the page, 340 units wide: legible at the width of a phone. */
const frame = { width: 340, left: 50, top: 10, plotWidth: 274, plotHeight: 200 };
const height = frame.top + frame.plotHeight + 40;

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly note?: string;
  /** What is read off the axes. */
  readonly x: string;
  readonly y: string;
}

/**
 * Lines over the unit square, as ROC curves are drawn. `guide` is the diagonal of chance, or of perfect calibration; `marks`
 * are weights of the points of the first line, drawn as dots.
 */
export function lineChart(
  chart: Chart,
  series: readonly Series[],
  { guide = false, marks = [] }: { readonly guide?: boolean; readonly marks?: readonly number[] } = {},
): Html {
  const lines = series.map(({ name, points }, index) => {
    const path = points.map(([x, y]) => `${round(placeX(x))},${round(placeY(y))}`).join(' ');
    return html`<polyline class="line s${index % 5}" points="${path}"><title>${name}</title></polyline>`;
  });
  const most = Math.max(...marks, 1);
  const dots = marks.map((weight, index) => {
    const [x, y] = series[0]?.points[index] ?? [0, 0];
    const text = `${formatNumber(x)}: ${formatNumber(y)}, of ${formatCount(weight)}`;
    return html`<circle class="fill" cx="${round(placeX(x))}" cy="${round(placeY(y))}" r="${round(2 + 5 * Math.sqrt(weight / most))}"><title>${text}</title></circle>`;
  });
  const diagonal =
    guide && html`<line class="guide" x1="${placeX(0)}" y1="${placeY(0)}" x2="${placeX(1)}" y2="${placeY(1)}"/>`;
  const names = series.length > 1 ? series.map(({ name }) => name) : [];
  return figure(chart, html`${axes(chart, [0, 0.25, 0.5, 0.75, 1].map(tick))}${diagonal}${lines}${dots}`, names);
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** One count for each of the series, drawn on top of each other. */
  readonly counts: readonly number[];
}

/** Counts of values between bounds, one colour per series. */
export function histogram(chart: Chart, bins: readonly Bin[], names: readonly string[]): Html {
  const total = ({ counts }: Bin) => counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...bins.map(total));
  const [low, high] = [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 1];
  const at = (value: number) => placeX((value - low) / (high - low || 1));
  const rects = bins.flatMap((bin) => {
    let below = 0;
    return bin.counts.map((count, series) => {
      const [bottom, top] = [placeY(below / most), placeY((below + count) / most)];
      below += count;
      const text = `${formatNumber(bin.from)} to ${formatNumber(bin.to)}: ${formatCount(count)} ${names[series] ?? ''}`;
      const [x, width] = [at(bin.from) + 0.5, Math.max(0.5, at(bin.to) - at(bin.from) - 1)];
      return html`<rect class="${series === 0 ? 'fill' : 'bad'}" x="${round(x)}" y="${round(top)}" width="${round(width)}" height="${round(bottom - top)}"><title>${text}</title></rect>`;
    });
  });
  const ticks = [0, 0.5, 1].map((share) => ({
    share,
    x: formatNumber(low + share * (high - low)),
    y: share === 1 ? formatCount(most) : '',
  }));
  return figure(chart, html`${axes(chart, ticks)}${rects}`, names.length > 1 ? names : []);
}

interface Tick {
  readonly share: number;
  readonly x: string;
  readonly y: string;
}

function tick(share: number): Tick {
  return { share, x: String(share), y: String(share) };
}

function axes({ x, y }: Chart, ticks: readonly Tick[]): Html {
  const lines = ticks.map(
    ({
      share,
      x: below,
      y: beside,
    }) => html`<line class="axis" x1="${placeX(0)}" y1="${placeY(share)}" x2="${placeX(1)}" y2="${placeY(share)}"/>
<text class="end" x="${frame.left - 6}" y="${placeY(share) + 4}">${beside}</text><text class="middle" x="${placeX(share)}" y="${placeY(0) + 16}">${below}</text>`,
  );
  return html`${lines}<text class="middle strong" x="${placeX(0.5)}" y="${height - 6}">${x}</text>
<text class="middle strong" transform="translate(11 ${placeY(0.5)}) rotate(-90)">${y}</text>`;
}

function figure({ title, note, x, y }: Chart, body: Html, names: readonly string[]): Html {
  const key = names.map(
    (name, index) =>
      html`<li><svg viewBox="0 0 18 8" aria-hidden="true"><line class="line s${index % 5}" x1="0" y1="4" x2="18" y2="4"/></svg>${shorten(name, 40)}</li>`,
  );
  return html`<figure class="chart"><figcaption>${title}${note && html`<small>${note}</small>`}</figcaption>
<svg viewBox="0 0 ${frame.width} ${height}" role="img"><title>${title}: ${y} over ${x}</title>${body}</svg>${key.length > 0 && html`<ul class="key">${key}</ul>`}</figure>`;
}

function placeX(share: number): number {
  return frame.left + share * frame.plotWidth;
}

function placeY(share: number): number {
  return frame.top + (1 - share) * frame.plotHeight;
}

/** A value between its bounds on a scale, to stand in a line of text or a cell. */
export function intervalMark(value: number, low: number, high: number, [least, most]: readonly [number, number]): Html {
  const at = (number: number) =>
    round(4 + (192 * (Math.min(Math.max(number, least), most) - least)) / (most - least || 1));
  return html`<svg viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true"><line class="track" x1="4" y1="6" x2="196" y2="6"/><line class="range" x1="${at(low)}" y1="6" x2="${at(high)}" y2="6"/><line class="ink" x1="${at(value)}" y1="1" x2="${at(value)}" y2="11"/></svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
