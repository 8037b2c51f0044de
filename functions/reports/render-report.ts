import { intervalMark } from '../page/charts.ts';
import { formatCount, formatNumber, formatPercent } from '../page/format.ts';
import { type Html, html, isolate } from '../page/html.ts';
import { type Page, renderPage, type Section } from '../page/page.ts';
import { type Card, gallery, table, tiles } from '../page/parts.ts';
import { importantMetrics, titleOf } from './metric-titles.ts';
import { renderClasses, renderConfusions, renderCurves } from './render-charts.ts';
import type { Estimate, Report } from './report.ts';

/** The report as a page. `examples` are its worst answers with what can be shown of their records. */
export function renderReport(report: Report, examples: readonly Card[]): string {
  const { model, modelVersion, dataset } = report;
  const on = dataset ? ` on ${dataset.name}` : '';
  return renderPage({
    title: `${model} ${modelVersion}${on}`,
    kicker: 'Evaluation',
    lead: renderLead(report),
    facts: renderFacts(report),
    sections: [
      renderSummary(report),
      ...renderGaps(report),
      ...renderClasses(report),
      ...renderConfusions(report),
      ...renderCurves(report),
      ...renderExamples(examples),
      renderAll(report),
      renderNotes(report),
    ],
  });
}

function renderLead({ records, metrics }: Report): Html {
  const [main] = Object.entries(metrics);
  if (!main) return html`None of the ${formatCount(records.total)} records can be compared with a label.`;
  const [name, { value, low, high }] = main;
  const number = name === 'accuracy' ? formatPercent(value ?? Number.NaN) : formatNumber(value);
  const [least, most] = [low, high].map((bound) =>
    name === 'accuracy' ? formatPercent(bound ?? Number.NaN) : formatNumber(bound),
  );
  return html`${titleOf(name)} is <strong>${number}</strong> over ${formatCount(records.evaluated)} labelled records, with 95 % confidence between ${least} and ${most}.`;
}

function renderFacts({ model, modelVersion, task, dataset, input, job, attempt, createdAt }: Report): Page['facts'] {
  const facts: [string, string | Html | undefined][] = [
    ['Model', isolate(model)],
    ['Version', isolate(modelVersion)],
    ['Task', task],
    ['Data set', dataset && isolate(dataset.name)],
    ['Split', dataset && isolate(dataset.split)],
    ['Run', dataset?.run],
    ['Input', input === undefined ? undefined : isolate(input)],
    ['Job', isolate(job)],
    ['Attempt', attempt > 1 ? String(attempt) : undefined],
    ['Finished', `${createdAt.slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function bounds({ low, high }: Estimate): string {
  return low === null || high === null ? 'no interval' : `${formatNumber(low)} to ${formatNumber(high)}`;
}

/** Metrics are shares but for errors of numbers and the log loss. */
function mark({ value, low, high }: Estimate): Html | undefined {
  if (value === null || low === null || high === null) return undefined;
  const least = Math.min(0, low, value);
  return intervalMark(value, low, high, [least < 0 ? Math.min(-1, least) : 0, Math.max(1, high, value)]);
}

function renderSummary({ metrics }: Report): Section {
  const names = importantMetrics(Object.keys(metrics));
  const items = names.map((name, index) => {
    const estimate = metrics[name]!;
    const drawn = mark(estimate);
    return {
      name: titleOf(name),
      value: formatNumber(estimate.value),
      note: bounds(estimate),
      ...(drawn && { mark: drawn }),
      main: index === 0,
    };
  });
  const lead = 'Below each number stands its 95 % confidence interval.';
  return { title: 'In short', ...(items.length > 0 && { lead }), body: tiles(items) };
}

/** What a reader would else take for being part of the numbers, or for not being part of them. */
function renderGaps({ records, failures, unusable }: Report): Section[] {
  const { failed, unlabelled, unusable: count, total } = records;
  if (failed + unlabelled + count + failures.length === 0) return [];
  const rows = [
    ...failures.map(({ code, message, count: own }) => [
      html`Failed: ${code}<small>${isolate(message, 300)}</small>`,
      formatCount(own),
    ]),
    ...(unlabelled > 0 ? [['Without a label: not part of any number', formatCount(unlabelled)]] : []),
    ...unusable.map(({ custom_id, reason }) => [
      html`Not comparable: ${isolate(custom_id)}<small>${isolate(reason, 300)}</small>`,
      '1',
    ]),
    ...(count > unusable.length ? [['Others that are not comparable', formatCount(count - unusable.length)]] : []),
  ];
  const lead = `Of ${formatCount(total)} records ${formatCount(failed)} with a label have no answer; they count as wrong.`;
  return [{ title: 'Gaps', lead, body: table([{ title: 'What' }, { title: 'Records', number: true }], rows) }];
}

function renderExamples(examples: readonly Card[]): Section[] {
  if (examples.length === 0) return [];
  const broad = examples.every(({ media }) => media === undefined);
  const lead =
    'Where the model was most sure and wrong, or farthest off. Labels that are mistaken tend to stand here too.';
  return [{ title: 'The worst answers', lead, body: gallery(examples, broad) }];
}

function renderAll({ metrics }: Report): Section {
  const rows = Object.entries(metrics).map(([name, estimate]) => [
    html`${titleOf(name)}<small>${name}</small>`,
    formatNumber(estimate.value),
    html`${bounds(estimate)}${mark(estimate)}`,
  ]);
  const columns = [{ title: 'Metric' }, { title: 'Value', number: true }, { title: '95 % interval' }];
  return { title: 'All metrics', body: table(columns, rows) };
}

function renderNotes({ notes, intervals }: Report): Section {
  const { resamples, unit, units } = intervals;
  const drawn = `${formatCount(units)} ${unit}s`;
  const bootstrap = `The intervals are the middle 95 % of ${formatCount(resamples)} bootstrap samples of ${drawn}, drawn with a seed: the same results give the same report.`;
  const items = [...notes, bootstrap].map((note) => html`<li>${note}</li>`);
  return { title: 'How to read it', body: html`<ul class="notes">${items}</ul>` };
}
