import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson } from '../../functions/parse-exact-json.ts';

test('JSON is written as it was read, with whole numbers that a double does not hold', () => {
  const text = '{"a":[9223372036854775807,-9223372036854775808,0.1,1e-7,null],"b":"9223372036854775807"}';
  assert.equal(JSON.stringify(parseExactJson(text)), text);
  assert.deepEqual(parseExactJson('{"a":[1,0.1234567890123456]}'), { a: [1, 0.1234567890123456] });
  assert.throws(() => parseExactJson('{"a":9223372036854775807'), SyntaxError);
});
