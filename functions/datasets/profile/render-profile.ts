import { type Bin, histogram } from '../../page/charts.ts';
import { formatBytes, formatCount, formatNumber, formatPercent } from '../../page/format.ts';
import { type Html, html, isolate } from '../../page/html.ts';
import { renderPage, type Section } from '../../page/page.ts';
import { bars, type Tile, table, tiles } from '../../page/parts.ts';
import type { DatasetDefinition } from '../dataset-definition.ts';
import { reasonTexts } from '../drop-reasons.ts';
import type { Distribution, PreparedManifest } from '../prepared-manifest.ts';
import type { Sample } from '../run/sample.ts';
import { sampleGallery } from './sample-gallery.ts';

const mostClasses = 40;
const mostMeasures = 24;

/** Records that the page shows. */
export interface ProfileSamples {
  readonly dropped: ReadonlyMap<string, { readonly count: number; readonly samples: readonly Sample[] }>;
  readonly kept: readonly Sample[];
  /** Changed copies. */
  readonly made: readonly Sample[];
}

/** `profile.html`: what a person wants to see of a data set before he trusts it. */
export function renderProfile(
  manifest: PreparedManifest,
  definition: DatasetDefinition,
  samples: ProfileSamples,
): string {
  const { counts, createdAt, dataset, run, task } = manifest;
  const dropped = counts.in - counts.kept;
  const share = dropped === 0 ? 'none was dropped' : `${formatPercent(dropped / counts.in)} were dropped`;
  const made =
    counts.augmented > 0 ? `, and ${formatCount(counts.augmented)} changed copies were made for training` : '';
  return renderPage({
    title: dataset,
    kicker: 'Data set',
    lead: html`Of ${formatCount(counts.in)} records ${formatCount(counts.kept)} were kept; ${share}${made}.${definition.description !== undefined && html` ${isolate(definition.description, 2000)}`}`,
    facts: [
      ['Task', task],
      ['Uploaded', createdAt.replace('T', ' ').replace(/\..*/, ' UTC')],
      ['Run', run],
    ],
    sections: sectionsOf(manifest, samples),
  });
}

function sectionsOf(manifest: PreparedManifest, samples: ProfileSamples): Section[] {
  const { counts, statistics } = manifest;
  const sections: Section[] = [
    { title: 'At a glance', body: tiles(tilesOf(manifest)) },
    { title: 'Splits', lead: 'Records, and the classes among them.', body: splitTable(manifest) },
  ];
  if (manifest.labels && manifest.labels.length > 0) sections.push(balance(manifest));
  const measures = Object.entries(statistics.measures);
  if (measures.length > 0) sections.push(distributions(measures));
  if (samples.dropped.size > 0) sections.push(droppedSection(counts.in, samples));
  if (samples.made.length > 0) {
    const lead =
      'Changed copies of records of the split train; each is made from its record alone, the same every time.';
    sections.push({ title: 'What was made', lead, body: sampleGallery(samples.made) });
  }
  sections.push({ title: 'What was kept', lead: 'Some records of each split.', body: sampleGallery(samples.kept) });
  return sections;
}

function tilesOf({ counts, labels, splits }: PreparedManifest): Tile[] {
  const shards = Object.values(splits).flatMap((split) => split.shards);
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return [
    { name: 'Kept', value: formatCount(counts.kept), note: `of ${formatCount(counts.in)} found`, main: true },
    {
      name: 'Dropped',
      value: formatCount(counts.in - counts.kept),
      note: formatPercent((counts.in - counts.kept) / counts.in),
    },
    { name: 'Changed copies', value: formatCount(counts.augmented), note: 'in the split train' },
    ...(labels ? [{ name: 'Classes', value: formatCount(labels.length) }] : []),
    { name: 'Shards', value: formatCount(shards.length), note: formatBytes(bytes) },
  ];
}

function splitTable({ splits, statistics }: PreparedManifest): Html {
  const columns = [
    { title: 'Split' },
    ...['Records', 'Changed copies', 'Classes', 'Shards', 'Bytes'].map((title) => ({ title, number: true })),
  ];
  const rows = Object.entries(splits).map(([name, { records, augmented, shards }]) => [
    name,
    formatCount(records - augmented),
    formatCount(augmented),
    formatCount(Object.keys(statistics.labels[name] ?? {}).length),
    formatCount(shards.length),
    formatBytes(shards.reduce((sum, { bytes }) => sum + bytes, 0)),
  ]);
  return table(columns, rows);
}

/** The classes by size; of many the largest and the smallest, since these are where trouble lies. */
function balance({ statistics, labels = [] }: PreparedManifest): Section {
  const splits = Object.keys(statistics.labels);
  const count = (split: string, label: string) => statistics.labels[split]?.[label] ?? 0;
  const total = (label: string) => splits.reduce((sum, split) => sum + count(split, label), 0);
  const sorted = labels.toSorted((a, b) => total(b) - total(a));
  const shown =
    sorted.length <= mostClasses ? sorted : [...sorted.slice(0, mostClasses / 2), ...sorted.slice(-mostClasses / 2)];
  const [most, least] = [total(sorted[0]!), total(sorted.at(-1)!)];
  const all =
    sorted.length > shown.length ? ` The ${mostClasses / 2} largest and smallest of ${sorted.length} are shown.` : '';
  const lead = `The largest class has ${formatCount(most)} records, the smallest ${formatCount(least)}: ${formatNumber(most / Math.max(1, least))} to 1.${all}`;
  const columns = [{ title: 'Class' }, ...splits.map((title) => ({ title, number: true }))];
  const rows = shown.map((label) => [isolate(label, 60), ...splits.map((split) => formatCount(count(split, label)))]);
  const body = html`${bars(
    'Records of each class',
    shown.map((label) => ({ label, value: total(label) })),
  )}
<h3 class="lead">By split</h3>${table(columns, rows)}`;
  return { title: 'Balance of the classes', lead, body };
}

const names: Readonly<Record<string, string>> = {
  characters: 'Characters',
  words: 'Words',
  width: 'Width in pixels',
  height: 'Height in pixels',
  seconds: 'Seconds',
  bytes: 'Bytes of the file',
};

function distributions(measures: readonly (readonly [string, Distribution])[]): Section {
  const charts = measures.slice(0, mostMeasures).map(([name, measure]) => {
    const title = names[name] ?? name.replace(/^column /, '');
    const { mean, min, max, missing, quantiles } = measure;
    const gaps = missing > 0 ? `; ${formatCount(missing)} without` : '';
    const note = `mean ${formatNumber(mean)}, median ${formatNumber(quantiles.p50)}, from ${formatNumber(min)} to ${formatNumber(max)}${gaps}`;
    return histogram({ title, note, x: title, y: 'records' }, binsOf(measure), ['records']);
  });
  const more = measures.length > mostMeasures ? ` The first ${mostMeasures} of ${measures.length} are shown.` : '';
  return {
    title: 'Lengths, sizes and numbers',
    lead: `Of the records that were kept, as they were uploaded.${more}`,
    body: html`<div class="charts">${charts}</div>`,
  };
}

/** Values that are all alike are one bar. */
function binsOf({ min, max, count, histogram: counts }: Distribution): Bin[] {
  if (max === min) return [{ from: min - 0.5, to: min + 0.5, counts: [count] }];
  const width = (max - min) / counts.length;
  return counts.map((size, bin) => ({ from: min + bin * width, to: min + (bin + 1) * width, counts: [size] }));
}

function droppedSection(found: number, { dropped }: ProfileSamples): Section {
  const reasons = [...dropped].sort(([, a], [, b]) => b.count - a.count);
  const rows = reasons.map(([reason, { count }]) => [
    reason,
    reasonTexts[reason as keyof typeof reasonTexts],
    formatCount(count),
    formatPercent(count / found),
  ]);
  const columns = [
    { title: 'Reason' },
    { title: 'In words' },
    { title: 'Records', number: true },
    { title: 'Share', number: true },
  ];
  const shown = reasons.map(([reason, { samples }]) => html`<h3 class="lead">${reason}</h3>${sampleGallery(samples)}`);
  return { title: 'What was dropped', body: html`${table(columns, rows)}${shown}` };
}
