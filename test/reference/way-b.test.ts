import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { pushPackage } from '../../commands/push-package.ts';
import { jobServices } from '../../functions/http/job-services.ts';
import { createJob } from '../../functions/jobs/create-job.ts';
import { readJob } from '../../functions/jobs/read-job.ts';
import { type Report, reportSchema } from '../../functions/reports/report.ts';
import type { Services } from '../../functions/services.ts';
import { preparedKey, rawKey, reportKey } from '../../functions/storage/object-keys.ts';
import { connectServices } from '../flow/connect-services.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';
import { writePng } from '../pictures.ts';

/** Files dropped into S3 come back prepared, answered and evaluated, with the figures that the models' cards state. */
const data = new URL('../../../shared/data/', import.meta.url);
const skip = existsSync(data) ? false : '../shared/data is not here';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
let services: Services;
let client: S3Client;

before(async () => {
  if (skip) return;
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  services = connectServices(temporary.state).services;
  client = new S3Client({ forcePathStyle: true });
});

after(async () => {
  if (skip) return;
  client.destroy();
  await platform.end();
  await temporary.remove();
});

/** As a person does: all files, `dataset.json` last; then a job over all that was kept, and its report. */
async function evaluate(
  model: string,
  { name, files, definition }: { name: string; files: [path: string, body: Uint8Array][]; definition: object },
): Promise<{ kept: number; report: Report }> {
  const all = [...files, ['dataset.json', Buffer.from(JSON.stringify(definition))] as const];
  for (const [path, Body] of all) {
    await client.send(new PutObjectCommand({ Bucket: 'lambent-data', Key: rawKey(name, path), Body }));
  }
  const prepared = await appears(preparedKey(name, 'manifest.json'), preparedKey(name, 'error.json'));
  const effects = { ...services, ...jobServices(services) };
  const { job } = await createJob({ model, dataset: name, split: 'all' }, effects);
  const report = reportSchema.parse(await appears(reportKey(job, 'report.json')));
  const { status, counts } = await readJob(job, services);
  assert.deepEqual([status, counts.failed], ['COMPLETED', 0]);
  return { kept: (prepared as { counts: { kept: number } }).counts.kept, report };
}

async function appears(key: string, instead?: string): Promise<unknown> {
  for (;;) {
    const body = await services.readData(key);
    if (body) return JSON.parse(body.toString('utf8'));
    const failed = instead === undefined ? undefined : await services.readData(instead);
    if (failed) throw new Error(failed.toString('utf8'));
    await wait(50);
  }
}

/** The figures of the row of a card's table that begins with this cell. */
function statedIn(model: string, cell: string): number[] {
  const card = readFileSync(new URL(`../../models/${model}/README.md`, import.meta.url), 'utf8');
  const row = card.split('\n').find((line) => line.startsWith(`| ${cell} `))!;
  return row.split('|').slice(2, -1).map(Number);
}

const accuracyOf = ({ metrics }: Report) => metrics.accuracy!.value!;
/** Each copy is a record of its own here: a card counts what it was given. */
const clean = { duplicates: false, contradictions: false };

test('digits: pictures in label folders are evaluated as the card says', { skip }, async () => {
  const read = (name: string) => gunzipSync(readFileSync(new URL(`digits/${name}-ubyte.gz`, data)));
  const [images, labels] = [read('images-idx3'), read('labels-idx1')];
  const files = Array.from({ length: 500 }, (_, index): [string, Uint8Array] => {
    const at = 1500 + index;
    const rows = Array.from({ length: 28 }, (_, y) =>
      images.subarray(16 + at * 784 + 28 * y, 16 + at * 784 + 28 * y + 28),
    );
    const png = writePng({ width: 28, height: 28, bits: 8, colourType: 0 }, rows);
    return [`${labels[8 + at]}/${at}.png`, png];
  });
  const definition = { task: 'image-classification', clean };
  const { kept, report } = await evaluate('digits', { name: 'handwriting', files, definition });
  assert.equal(kept, 500);
  assert.equal(accuracyOf(report), statedIn('digits', 'light on dark, 28x28 grey')[0]);
});

test('keywords: spoken digits, labelled by the names of their files, are evaluated as the card says', {
  skip,
}, async () => {
  assert.equal((await pushPackage('models/keywords', services)).status, 'READY');
  const folder = mkdtempSync(join(tmpdir(), 'lambent-speech-'));
  try {
    execFileSync('tar', ['xJf', fileURLToPath(new URL('speech/spoken-digits-train.tar.xz', data)), '-C', folder]);
    const names = readdirSync(join(folder, 'recordings'));
    const [own, others] = [/_yweweler_/, /_1[567]\.wav$/];
    for (const [name, cell, chosen] of [
      ['new-speaker', 'of yweweler, who was not heard in training', names.filter((file) => own.test(file))],
      ['new-takes', 'takes 15 to 17 of the others', names.filter((file) => others.test(file) && !own.test(file))],
    ] as const) {
      const files = chosen.map((file): [string, Uint8Array] => [
        `recordings/${file}`,
        readFileSync(join(folder, 'recordings', file)),
      ]);
      const definition = { task: 'audio-classification', inputs: { files: 'recordings/{label}_{group}_*.wav' }, clean };
      const { report } = await evaluate('keywords', { name, files, definition });
      const measured = [report.records.total, Math.round(accuracyOf(report) * 10_000) / 10_000];
      assert.deepEqual(measured, statedIn('keywords', cell));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('sentiment: labelled lines are evaluated as the card says of the sentences that it was trained on', {
  skip,
}, async () => {
  const lines = ['amazon_cells', 'yelp'].flatMap((name) =>
    readFileSync(new URL(`text/${name}_labelled.txt`, data), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== ''),
  );
  const records = lines.map((line) => {
    const [text, label] = line.split('\t') as [string, string];
    return JSON.stringify({ text, label: label.trim() === '1' ? 'positive' : 'negative' });
  });
  const files: [string, Uint8Array][] = [['reviews.jsonl', Buffer.from(records.join('\n'))]];
  const { kept, report } = await evaluate('sentiment', {
    ...{ name: 'reviews', files },
    definition: { task: 'text-classification', clean },
  });
  assert.deepEqual([kept, report.records.total], [2000, 2000]);
  const card = readFileSync(new URL('../../models/sentiment/README.md', import.meta.url), 'utf8');
  assert.equal(accuracyOf(report), Number(/these very sentences it has an accuracy of ([\d.]+),/.exec(card)![1]));
});
