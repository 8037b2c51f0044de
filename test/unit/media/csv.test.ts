import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseCsv } from '../../../functions/media/csv.ts';

test('rows have the header’s names; quotes, both line ends, a byte-order mark and empty lines are read', () => {
  assert.deepEqual(parseCsv('\ufeffa,b\r\n1,"x, ""y""\nz"\r\n\n2,\n'), [
    { a: '1', b: 'x, "y"\nz' },
    { a: '2', b: '' },
  ]);
  assert.deepEqual(parseCsv('a'), []);
  assert.deepEqual(parseCsv('a\n""'), [{ a: '' }], 'a quoted empty field is a row');
});

test('what is wrong is said with its line', () => {
  assert.throws(() => parseCsv(''), { code: 'invalid_request', message: /empty/ });
  assert.throws(() => parseCsv('a,b\n1,2\n"x\ny",2,3'), { message: /line 3 .* 3 fields; its header has 2/ });
  assert.throws(() => parseCsv('a,b\n1,"x'), { message: /line 2 .*quote/ });
  assert.throws(() => parseCsv('a,b\n1,x"y"'), { message: /line 2 .*quote/ });
  assert.throws(() => parseCsv('a,a\n1,2'), { message: /'a' twice/ });
});

test('a field may be megabytes long, also one that does not end', () => {
  const long = 'a""'.repeat(500_000);
  assert.equal(parseCsv(`a\n"${long}"`)[0]!.a!.length, 1_000_000);
  assert.throws(() => parseCsv(`a\n"${long}`), { message: /line 2 .*quote/ });
});

test('what was written is read back, whatever the fields hold', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é'), maxLength: 6 });
  const write = (row: readonly string[]) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field), { maxLength: 5 }), (rows) => {
      const expected = rows.map(([a, b]) => ({ a, b }));
      assert.deepEqual(parseCsv(['a,b', ...rows.map(write)].join('\r\n')), expected);
    }),
    { seed: 9, numRuns: 300 },
  );
});
