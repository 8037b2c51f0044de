import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson } from '../../functions/parse-exact-json.ts';
import { parseJson, readText } from '../../functions/parse-json.ts';

const parse = (text: string) => parseJson(Buffer.from(text), 'the body');
const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

test('JSON comes out as JSON.parse has it, with and without a byte order mark', () => {
  assert.deepEqual(parse('{"a":[1,null,"\u00e9"]}'), { a: [1, null, 'é'] });
  assert.deepEqual(parse('\ufeff[1]'), [1]);
  assert.equal(readText(Buffer.from('\ufeffé'), 'the body'), 'é');
});

test('what is not UTF-8, not JSON or nested beyond 64 levels is refused with its name', () => {
  const refused = (message: RegExp) => ({ code: 'invalid_request', message });
  assert.throws(
    () => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'the body'),
    refused(/^the body is not text in UTF-8$/),
  );
  assert.throws(() => parse('{"a":'), refused(/^the body is not valid JSON: /));
  assert.deepEqual(parse(lists(64)), JSON.parse(lists(64)));
  for (const text of [lists(66), objects(66), lists(200_000), objects(200_000)]) {
    assert.throws(() => parse(text), refused(/^JSON is nested deeper than 64 levels$/));
    const exact = `[1234567890123456789,${text}]`;
    assert.throws(() => parseJson(Buffer.from(exact), 'the line', parseExactJson), refused(/deeper than 64/));
  }
});
