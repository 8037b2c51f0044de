import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { histogram, intervalMark, lineChart } from '../../../functions/page/charts.ts';
import { formatBytes, formatNumber, formatPercent } from '../../../functions/page/format.ts';
import { heatMap } from '../../../functions/page/heat-map.ts';
import { html, isolate, shorten } from '../../../functions/page/html.ts';
import { renderPage } from '../../../functions/page/page.ts';
import { bars, gallery, picture, player, table, tiles } from '../../../functions/page/parts.ts';

const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&lt;\u0000\u202e`;

/** Every part of a page, all of them with the same text where text goes. */
function everyPart(text: string): string {
  const chart = { title: text, note: text, x: text, y: text };
  const body = html`${tiles([{ name: text, value: text, note: text, mark: intervalMark(1, 0, 2, [0, 2]), main: true }])}
${table([{ title: text }, { title: text, number: true }], [[text, isolate(text)]])}
${bars(text, [{ label: text, value: 1 }])}
${gallery([{ media: picture(new Uint8Array([1]), 'image/png', text, true), text: html`${text}`, facts: [[text, text]], source: text }])}
${gallery([{ media: player(new Uint8Array([1]), 'audio/wav', text), facts: [] }], true)}
${lineChart(
  chart,
  [
    { name: text, points: [[0, 0]] },
    { name: text, points: [[1, 1]] },
  ],
  { guide: true, marks: [1] },
)}
${histogram(chart, [{ from: 0, to: 1, counts: [1, 2] }], [text, text])}
${heatMap({ title: text, rows: text, columns: text, labels: [text], counts: [[1]] })}`;
  return renderPage({
    title: text,
    kicker: text,
    lead: text,
    facts: [[text, text]],
    sections: [{ title: text, lead: text, body }],
  });
}

describe('a page', () => {
  test('has the same tags and attributes whatever the texts are that it shows', () => {
    const shape = (page: string) => page.replace(/<style>.*<\/style>/s, '').match(/<[^>]*>/g)!;
    const attributes = (tag: string) => tag.replaceAll(/"[^"]*"/g, '""');
    assert.deepEqual(
      shape(everyPart(hostile)).map(attributes),
      shape(everyPart('p'.repeat(hostile.length))).map(attributes),
    );
    assert.doesNotMatch(everyPart(hostile), /<script|<img src=x|\0/);
  });

  test('allows its own style and data: pictures and sounds, and nothing else', () => {
    const page = everyPart('plain');
    const [, style] = /<style>(.*)<\/style>/s.exec(page)!;
    const hash = createHash('sha256').update(style!).digest('base64');
    const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page)!;
    assert.equal(
      policy,
      `default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; media-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
    );
    assert.doesNotMatch(page, /https?:|\/\/|url\(|@import|style=|<script/);
  });

  test('has a name for each chart, and for each column and row of a table', () => {
    const page = everyPart('plain');
    assert.equal(page.match(/role="img"><title>/g)?.length, 3);
    assert.match(page, /<th scope="col">plain<\/th>/);
    assert.match(page, /<th scope="row">plain<\/th>/);
  });
});

test('texts are cut between characters, and numbers are written as people compare them', () => {
  assert.equal(shorten('🐈🐈🐈🐈', 3), '🐈🐈…');
  assert.equal(shorten('🐈🐈', 3), '🐈🐈');
  assert.deepEqual([0.97152, 12.345, 123.45, 1234.5, 0, 0.00001234, Number.NaN].map(formatNumber), [
    '0.972',
    '12.35',
    '123.5',
    '1,235',
    '0.000',
    '1.23e-5',
    '–',
  ]);
  assert.deepEqual([formatPercent(0.1234), formatBytes(0), formatBytes(1_234_567)], ['12.3 %', '0 B', '1.2 MB']);
});
