import { histogram, lineChart, type Series } from '../page/charts.ts';
import { formatCount, formatNumber } from '../page/format.ts';
import { heatMap } from '../page/heat-map.ts';
import { type Html, html, isolate } from '../page/html.ts';
import type { Section } from '../page/page.ts';
import { table } from '../page/parts.ts';
import { titleOf } from './metric-titles.ts';
import type { Report } from './report.ts';

const mostClasses = 40;

export function renderClasses({ classes }: Report): Section[] {
  const names = Object.keys(classes[0]?.metrics ?? {});
  if (names.length === 0) return [];
  // The worst are those that a reader looks for.
  const main = names.includes('f1') ? 'f1' : names[0]!;
  const value = ({ metrics }: Report['classes'][number]) => metrics[main]?.value ?? Number.POSITIVE_INFINITY;
  const shown =
    classes.length > mostClasses ? classes.toSorted((a, b) => value(a) - value(b)).slice(0, mostClasses) : classes;
  const columns = [
    { title: 'Class' },
    { title: 'Support', number: true },
    ...names.map((name) => ({ title: titleOf(name), number: true })),
  ];
  const rows = shown.map(({ label, support, metrics }) => [
    isolate(label, 60),
    support === null ? '–' : formatCount(support),
    ...names.map((name) => cell(metrics[name])),
  ]);
  const lead =
    classes.length > mostClasses
      ? `The ${mostClasses} of ${formatCount(classes.length)} classes with the lowest ${titleOf(main)}; report.json has all.`
      : 'Support is how many records, objects or pixels have the class.';
  return [{ title: 'Classes', lead, body: table(columns, rows) }];
}

function cell(estimate: Report['metrics'][string] | undefined): Html {
  const { value = null, low = null, high = null } = estimate ?? {};
  const between = low !== null && high !== null && html`<small>${formatNumber(low)}–${formatNumber(high)}</small>`;
  return html`${formatNumber(value)}${between}`;
}

export function renderConfusions({ classes, details: { confusionMatrix, confusions = [] } }: Report): Section[] {
  const small = confusionMatrix && classes.length > 1 && classes.length <= mostClasses;
  if (!small && confusions.length === 0) return [];
  const labels = classes.map(({ label }) => label);
  const map =
    small &&
    heatMap({
      title: 'Confusion matrix',
      rows: 'True class',
      columns: 'Predicted class',
      labels,
      counts: confusionMatrix,
    });
  const rows = confusions.map(({ label, answer, count }) => [
    isolate(label, 60),
    isolate(answer, 60),
    formatCount(count),
  ]);
  const columns = [{ title: 'True class' }, { title: 'Taken for' }, { title: 'Records', number: true }];
  const pairs = rows.length > 0 && html`<div class="beside">${table(columns, rows.slice(0, 10))}</div>`;
  const lead = 'Each row is a true class; the darker a cell, the more of its row. Green is right, red is wrong.';
  return [
    { title: 'What is taken for what', ...(small && { lead }), body: html`<div class="pair">${map}${pairs}</div>` },
  ];
}

export function renderCurves({ details }: Report): Section[] {
  const { calibration, roc = [], precisionRecall = [], histogram: scores } = details;
  const charts: Html[] = [];
  if (calibration) charts.push(renderCalibration(calibration));
  if (scores) {
    const chart = { title: scores.of, x: scores.of, y: 'Records' };
    charts.push(histogram({ ...chart, title: 'Distribution' }, scores.bins, scores.series));
  }
  const several = roc.length > 1 && 'The classes that are told apart worst, each against all others';
  const note = several ? { note: several } : {};
  if (roc.length > 0) {
    const chart = { title: 'ROC curve', ...note, x: 'False positive rate', y: 'True positive rate' };
    charts.push(lineChart(chart, roc.map(toSeries), { guide: true }));
  }
  if (precisionRecall.length > 0) {
    const chart = { title: 'Precision and recall', ...note, x: 'Recall', y: 'Precision' };
    charts.push(lineChart(chart, precisionRecall.map(toSeries)));
  }
  return charts.length === 0 ? [] : [{ title: 'Curves', body: html`<div class="charts">${charts}</div>` }];
}

function toSeries({ label, x, y }: { label: string; x: readonly number[]; y: readonly number[] }): Series {
  return { name: label, points: x.map((value, i) => [value, y[i]!] as const) };
}

function renderCalibration(bins: NonNullable<Report['details']['calibration']>): Html {
  const filled = bins.filter(({ count }) => count > 0);
  const points = filled.map(({ confidence, accuracy }) => [confidence ?? 0, accuracy ?? 0] as const);
  const note = 'On the dotted line a score of 0.8 is right in 80 of 100 cases';
  return lineChart(
    { title: 'Calibration', note, x: 'Score', y: 'Share that is right' },
    [{ name: 'Share that is right', points }],
    { guide: true, marks: filled.map(({ count }) => count) },
  );
}
