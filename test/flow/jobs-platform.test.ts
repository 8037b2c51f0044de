import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { JobStatus } from '../../functions/jobs/read-job.ts';
import type { Services } from '../../functions/services.ts';
import { jobKey } from '../../functions/storage/object-keys.ts';
import { connectServices } from './connect-services.ts';
import { type RunningPlatform, runPlatform, temporaryState } from './run-platform.ts';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
let services: Services;
/** Id of the key that the platform's requests have. */
let key: string;

before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  ({ services } = connectServices(temporary.state));
  key = (await services.listApiKeys())[0]!.id;
});

after(async () => {
  await platform.end();
  await temporary.remove();
});

/** `npm run jobs -- …` */
async function command(...args: string[]): Promise<string> {
  const env = { ...process.env, LAMBENT_STATE: temporary.state };
  return (await promisify(execFile)(process.execPath, ['commands/jobs.ts', ...args], { env, maxBuffer: 2 ** 26 }))
    .stdout;
}

async function writeLines(name: string, count: number): Promise<string> {
  const file = join(temporary.state, name);
  const line = (_: unknown, index: number) =>
    JSON.stringify({ custom_id: `r${index}`, inputs: `review number ${index} is good` });
  await writeFile(file, Array.from({ length: count }, line).join('\n'));
  return file;
}

async function ask<Body>(path: string, init: RequestInit = {}): Promise<{ status: number; body: Body }> {
  const response = await platform.request(path, init);
  return { status: response.status, body: (await response.json()) as Body };
}

test('while a job runs HTTPS is answered, and the job goes on after it was cancelled and resumed', async () => {
  const input = await writeLines('many.jsonl', 20_000);
  const name = (await command('start', 'sentiment', '--input', input, '--name', 'many', '--no-watch')).trim();
  assert.equal(name, 'many');
  await command('give', name, key);
  const read = async () => (await ask<JobStatus>('/v1/jobs/many')).body;
  while ((await read()).counts.succeeded === 0) await wait(20);
  let answered = 0;
  for (let job = await read(); job.status === 'RUNNING' && answered < 30; job = await read()) {
    const { status } = await ask('/models/sentiment', { method: 'POST', body: '{"inputs": "Great phone!"}' });
    assert.equal(status, 200);
    answered += 1;
  }
  assert.ok(answered >= 5, `${answered} requests were answered while the job ran`);

  const before = await read();
  assert.equal(before.status, 'RUNNING');
  await ask('/v1/jobs/many/cancel', { method: 'POST' });
  assert.match(await command('watch', 'many'), /many {2}CANCELLED/);
  const cancelled = await read();
  assert.ok(cancelled.counts.succeeded >= before.counts.succeeded && cancelled.counts.succeeded < 20_000);
  const partial = await platform.request('/v1/jobs/many/results');
  assert.equal((await partial.text()).split('\n').length - 1, cancelled.counts.succeeded);
  assert.match(await command('resume', 'many'), /many {2}COMPLETED {2}20000\/20000/);
  const lines = (await command('results', 'many')).split('\n').slice(0, -1);
  assert.equal(lines.length, 20_000);
  assert.ok(lines.every((line, index) => JSON.parse(line).custom_id === `r${index}`));
});

test('a job is begun, estimated, listed and refused over HTTPS as by the command', async () => {
  const input = await writeLines('few.jsonl', 40);
  const estimate = JSON.parse(await command('estimate', 'sentiment', '--input', input));
  assert.deepEqual({ records: estimate.records, failed: estimate.sample.failed }, { records: 40, failed: 0 });
  assert.ok(estimate.costUsd > 0 && estimate.seconds >= 0);
  await command('start', 'sentiment', '--input', input, '--name', 'few', '--parameters', '{"top_k": 1}');
  await command('give', 'few', key);
  const { request } = (await ask<JobStatus>('/v1/jobs/few')).body;
  const body = JSON.stringify({ job: 'again', ...request });
  assert.equal((await ask('/v1/jobs', { method: 'POST', body })).status, 201);
  assert.equal((await ask('/v1/jobs', { method: 'POST', body })).status, 409);
  assert.equal((await ask('/v1/jobs', { method: 'POST', body: '{"model": "sentiment"}' })).status, 400);
  assert.equal((await ask('/v1/jobs/none')).status, 404);
  await command('watch', 'again');
  const page = (await ask<{ jobs: JobStatus[]; next?: string }>('/v1/jobs?limit=2')).body;
  assert.deepEqual(
    page.jobs.map(({ job, status }) => [job, status]),
    [
      ['again', 'COMPLETED'],
      ['few', 'COMPLETED'],
    ],
  );
  assert.ok(page.next);
  const refused = await ask<{ error: { message: string } }>('/v1/jobs/few/cancel', { method: 'POST' });
  assert.deepEqual([refused.status, refused.body.error.message], [409, 'job few cannot be cancelled: it is COMPLETED']);
});

test('a job is there for the key that asked for it, or that its file names, and for no other; the command has all', async () => {
  const other = await services.createApiKey('other');
  const asOther = (path: string, init: RequestInit = {}) =>
    ask<{ error?: { message: string } }>(path, { ...init, headers: { 'x-api-key': other.secret } });
  const post = (body: object) => ({ method: 'POST', body: JSON.stringify(body) });
  const line = (label: string, index: number) => JSON.stringify({ custom_id: `r${index}`, inputs: 'good', label });
  const lines = ['positive', 'negative', 'positive'].map(line).join('\n');
  const form = new FormData();
  form.set('purpose', 'user_data');
  form.set('file', new File([lines], 'mine.jsonl'));
  const { body: file } = await ask<{ id: string }>('/v1/files', { method: 'POST', body: form });
  const input = `files/${key}/${file.id}`;
  const mine = await ask<JobStatus>('/v1/jobs', post({ job: 'mine', model: 'sentiment', input }));
  assert.deepEqual([mine.status, mine.body.owner], [201, key]);
  await command('watch', 'mine');
  while ((await ask('/v1/jobs/mine/report')).status !== 200) await wait(50);

  await services.writeData('raw/theirs.jsonl', Buffer.from(lines), {});
  const dropped = { model: 'sentiment', input: 'raw/theirs.jsonl' };
  await services.writeData(jobKey('theirs'), Buffer.from(JSON.stringify({ ...dropped, owner: other.key.id })), {});
  await services.writeData(jobKey('nobodys'), Buffer.from(JSON.stringify(dropped)), {});
  for (const job of ['theirs', 'nobodys']) {
    while (!(await services.findJob(job))) await wait(20);
    await command('watch', job);
  }
  while ((await asOther('/v1/jobs/theirs/report')).status !== 200) await wait(50);

  const paths = ['', '/results', '/errors', '/report', '/report?format=html', '/compare/theirs'];
  const asked = [
    ...paths.map((path) => asOther(`/v1/jobs/mine${path}`)),
    asOther('/v1/jobs/theirs/compare/mine'),
    ...['cancel', 'resume', 'retry'].map((change) => asOther(`/v1/jobs/mine/${change}`, { method: 'POST' })),
    ask('/v1/jobs/theirs'),
    ask('/v1/jobs/nobodys'),
    asOther('/v1/jobs/nobodys'),
  ];
  for (const { status, body } of await Promise.all(asked)) {
    assert.equal(status, 404);
    assert.match(JSON.stringify(body), /^\{"error":\{"message":"there is no job '\w+' of this API key"/);
  }
  for (const foreign of [input, `files/expiring/${key}/${file.id}`, `raw/../${input}`, jobKey('mine')]) {
    for (const path of ['/v1/jobs', '/v1/jobs/estimate']) {
      const { status, body } = await asOther(path, post({ model: 'sentiment', input: foreign }));
      assert.deepEqual([status, body.error?.message], [404, `the data bucket has no '${foreign}'`]);
    }
  }
  const claimed = await asOther('/v1/jobs', post({ ...dropped, owner: key }));
  assert.deepEqual([claimed.status, (await asOther('/v1/jobs', post({ ...dropped, job: 'mine' }))).status], [400, 409]);

  const names = (body: unknown) => (body as { jobs: JobStatus[] }).jobs.map(({ job }) => job);
  assert.deepEqual(names((await asOther('/v1/jobs')).body), ['theirs']);
  assert.deepEqual(
    names((await ask('/v1/jobs')).body).filter((job) => ['mine', 'theirs', 'nobodys'].includes(job)),
    ['mine'],
  );
  const listed = await command('list');
  for (const job of ['mine', 'theirs', 'nobodys']) assert.match(listed, new RegExp(`^${job} {2}COMPLETED`, 'm'));
  await command('give', 'mine', other.key.id);
  assert.deepEqual(names((await asOther('/v1/jobs')).body).sort(), ['mine', 'theirs']);
  assert.ok(!names((await ask('/v1/jobs')).body).includes('mine'));
});

test('a file under the longest of keys, with emoji in it, is answered', async () => {
  const start = `inbox/sentiment/50 % + 1/${'🐈'.repeat(240)}`;
  const long = start + 'x'.repeat(1024 - Buffer.byteLength(start));
  assert.equal(Buffer.byteLength(long), 1024);
  const environment = JSON.parse(await readFile(join(temporary.state, 'environment.json'), 'utf8'));
  const url = `${environment.AWS_ENDPOINT_URL_S3}/lambent-data`;
  const encoded = long.split('/').map(encodeURIComponent).join('/');
  const put = await fetch(`${url}/${encoded}`, { method: 'PUT', body: 'Great phone!' });
  assert.equal(put.status, 200);
  const list = async () => (await fetch(`${url}?list-type=2&prefix=outbox/sentiment/50&encoding-type=url`)).text();
  let found: string[] = [];
  while (found.length === 0) found = [...(await list()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name!);
  const answerKey = decodeURIComponent(found[0]!.replaceAll('+', ' '));
  assert.match(answerKey, /^outbox\/sentiment\/50 % \+ 1\/🐈+x+~[0-9a-f]{16}\.json$/u);
});
