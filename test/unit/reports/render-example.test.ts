import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PreparedRecord } from '../../../functions/datasets/prepared-record.ts';
import { encodeWav } from '../../../functions/media/encode-wav.ts';
import { encodePng } from '../../../functions/media/image.ts';
import { compareWords } from '../../../functions/reports/compare-words.ts';
import { reportJob } from '../../../functions/reports/report-job.ts';
import type { TaskName } from '../../../functions/tasks/task-names.ts';
import { createWorld } from './report-world.ts';

const wrong = [
  { label: 'dog', score: 0.9 },
  { label: 'cat', score: 0.1 },
];

/** The page of a job whose only records are these, all of them answered wrongly. */
async function renderPage(
  task: TaskName,
  inputs: readonly PreparedRecord['inputs'][],
  { label = 'cat', output = wrong }: { label?: PreparedRecord['label']; output?: unknown } = {},
): Promise<string> {
  const world = createWorld();
  const records = inputs.map((one, index) => ({ id: String(index).padStart(24, '0'), inputs: one, label, output }));
  await reportJob(world.complete('j', task, [records]), world.effects);
  return String(world.objects.get('reports/j/report.html')?.body);
}

const png = (width: number, height: number) =>
  encodePng({ width, height, channels: 3, data: new Uint8Array(width * height * 3).fill(120) });

describe('the worst answers', () => {
  test('show pictures small, tiny ones pixel by pixel', async () => {
    const page = await renderPage('image-classification', [await png(28, 28), await png(900, 600)]);
    assert.match(page, /<img src="data:image\/png;base64,[^"]+" alt="The picture, 28 by 28 pixels" class="small">/);
    assert.match(page, /<img src="data:image\/webp;base64,[^"]+" alt="The picture, 900 by 600 pixels" class="large">/);
    assert.match(page, /<dt>Answer<\/dt><dd><span class="wrong"><bdi>dog<\/bdi><\/span> \(0\.900\)/);
    assert.ok(page.length < 60_000);
  });

  test('let sounds be heard, the first seconds of long ones', async () => {
    const sound = (seconds: number) =>
      encodeWav({
        sampleRateHz: 16_000,
        channels: [Float32Array.from({ length: 16_000 * seconds }, (_, i) => Math.sin(i / 9))],
      });
    const page = await renderPage('audio-classification', [sound(1), sound(9)]);
    assert.match(
      page,
      /<audio controls preload="none" src="data:audio\/wav;base64,UklGR[^"]+" aria-label="The sound, 1\.0 seconds"/,
    );
    assert.match(page, /aria-label="The sound, the first 6 of 9\.0 seconds"/);
  });

  test('only describe what cannot be decoded, and put nothing of it into the page', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>');
    const page = await renderPage('image-classification', [svg, Buffer.from('GIF89a<script>')]);
    assert.equal(page.match(/A file of \d+ B/g)?.length, 2);
    assert.doesNotMatch(page, /<img|<script|onload/);
  });

  test('are told without their inputs where a shard is damaged or gone', async () => {
    for (const damage of ['no tar', undefined]) {
      const world = createWorld();
      const record = { id: '0'.repeat(24), inputs: await png(8, 8), label: 'cat', output: wrong };
      const key = world.complete('j', 'image-classification', [[record]]);
      world.objects.delete('prepared/set/run/test-0.tar');
      if (damage) world.put('prepared/set/run/test-0.tar', Buffer.from(damage));
      await reportJob(key, world.effects);
      const page = String(world.objects.get('reports/j/report.html')?.body);
      assert.match(page, /<bdi>dog<\/bdi>/);
      assert.doesNotMatch(page, /<img/);
    }
  });

  test('are found in the lines of a job, by custom_id or number', async () => {
    const world = createWorld();
    const texts = ['first', 'second'].map((inputs, i) => ({
      id: ['a', 'line-3'][i]!,
      inputs,
      label: 'cat',
      output: wrong,
    }));
    const lines = ['{"custom_id": "a", "inputs": "first"}', 'no JSON', '{"inputs": "second"}'];
    world.put('raw/lines.jsonl', Buffer.from(lines.join('\n')));
    const about = { dataset: undefined, input: 'raw/lines.jsonl' };
    await reportJob(world.complete('j', 'text-classification', [texts], about), world.effects);
    const page = String(world.objects.get('reports/j/report.html')?.body);
    assert.match(page, /<bdi>first<\/bdi>.*<bdi>second<\/bdi>/s);
  });

  test('show rows, and texts', async () => {
    const rows = await renderPage('tabular-regression', [{ '<b>': 1, name: 'x' }], { label: 2, output: [5] });
    assert.match(rows, /<dt><bdi>&lt;b&gt;<\/bdi><\/dt><dd><bdi>1<\/bdi><\/dd>/);
    assert.match(await renderPage('text-classification', ['A & B']), /<blockquote><bdi>A &amp; B<\/bdi><\/blockquote>/);
  });

  test('draw objects over their picture, those that were found with dashes', async () => {
    const box = { xmin: 10, ymin: 20, xmax: 30, ymax: 60 };
    const output = [{ label: 'dog', score: 0.8, box }];
    const page = await renderPage('object-detection', [await png(200, 100)], {
      label: [{ label: 'cat', box }],
      output,
    });
    assert.match(page, /<svg viewBox="0 0 200 100" role="img">/);
    assert.match(page, /<rect class="box s0" x="10" y="20" width="20" height="40"><title>there: cat<\/title>/);
    assert.match(page, /<rect class="box found s1" [^>]*><title>found: dog \(0\.80\)<\/title>/);
  });

  test('mark the words that are missing and those that are too many', () => {
    assert.equal(
      compareWords('one two three', 'one too three four').text,
      '<bdi>one <del>two</del> <ins>too</ins> three <ins>four</ins> </bdi>',
    );
    assert.equal(compareWords('', '').text, 'silence');
  });
});
