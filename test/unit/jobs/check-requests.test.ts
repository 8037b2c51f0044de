import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRequests, RequestsRefused } from '../../../functions/jobs/check-requests.ts';
import type { LineProblem } from '../../../functions/jobs/request-line.ts';
import { readRequestLine } from '../../../functions/jobs/request-line.ts';
import { scanLines } from '../../../functions/jobs/scan-lines.ts';
import { TextSet } from '../../../functions/jobs/text-set.ts';

const endpoint = '/v1/embeddings';
const request = (custom_id: unknown, more: object = {}) =>
  JSON.stringify({ custom_id, method: 'POST', url: endpoint, body: {}, ...more });

async function problemsOf(text: string): Promise<readonly LineProblem[]> {
  const check = checkRequests(endpoint);
  const chunks = (async function* () {
    yield Buffer.from(text);
  })();
  try {
    await scanLines(chunks, { key: 'k', etag: 'e', size: text.length }, check.add);
    check.end();
  } catch (error) {
    if (error instanceof RequestsRefused) return error.problems;
    throw error;
  }
  return [];
}

test('lines that are no requests, and ids that come again, are told with their lines and fields', async () => {
  const lines = [
    request('a'),
    '',
    request('b', { url: '/v1/completions' }),
    '{"custom_id": "c"',
    request(undefined),
    request('d', { method: 'GET' }),
    request('e', { body: undefined }),
    request('a'),
    request(7),
    '[]',
    request('7'),
  ];
  const problems = await problemsOf(lines.join('\r\n'));
  assert.deepEqual(
    problems.map(({ line, code, param }) => [line, code, param]),
    [
      [3, 'url_mismatch', 'url'],
      [4, 'invalid_json_line', null],
      [5, 'missing_required_parameter', 'custom_id'],
      [6, 'invalid_request', 'method'],
      [7, 'missing_required_parameter', 'body'],
      [8, 'duplicate_custom_id', 'custom_id'],
      [10, 'invalid_request', null],
      [11, 'duplicate_custom_id', 'custom_id'],
    ],
  );
  assert.equal(problems[2]!.message, 'custom_id is missing: a text or a number is needed');
  assert.match(problems[5]!.message, /^custom_id 'a' is that of an earlier line/);
});

test('what is right throughout, with a byte order mark, is not refused; what is empty, or wrong throughout, is', async () => {
  assert.deepEqual(await problemsOf(`\uFEFF${request('a')}\r\n\r\n${request('b')}\n`), []);
  assert.deepEqual(
    (await problemsOf(' \n\n')).map(({ code, line }) => [code, line]),
    [['empty_file', null]],
  );
  const wrong = await problemsOf('no\n'.repeat(1000));
  assert.deepEqual([wrong.length, wrong.at(-1)!.line], [50, 50]);
});

test('numbers of many digits that differ in the last one are two ids', () => {
  const check = checkRequests(endpoint);
  const ids = ['90071992547409921', '90071992547409923'];
  for (const [index, id] of ids.entries()) {
    const line = Buffer.from(request('id').replace('"id"', id));
    check.add(line, index + 1);
    assert.equal(readRequestLine(line, endpoint).customId, id);
  }
  check.end();
});

test('a set of texts knows each of a hundred thousand, and no other', () => {
  const set = new TextSet();
  for (let text = 0; text < 100_000; text++) assert.ok(set.add(`request-${text}`));
  for (let text = 0; text < 100_000; text += 97) assert.ok(!set.add(`request-${text}`));
  assert.equal(set.size, 100_000);
  assert.ok(set.add('') && !set.add(''));
});
