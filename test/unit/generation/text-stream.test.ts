import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createStopFilter, createTextStream } from '../../../functions/generation/text-stream.ts';

const seed = 6;

test('bytes become text as soon as a character is complete, and nothing is lost or changed', () => {
  const decode = (ids: readonly number[]) => Buffer.from(ids).toString();
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const stream = createTextStream(decode);
      const pieces = [...Buffer.from(text)].map((byte) => stream.push(byte));
      assert.equal(pieces.join('') + stream.end(), text);
      assert.ok(pieces.every((piece) => !piece.includes('\u{FFFD}')));
    }),
    { seed },
  );
  const cut = createTextStream(decode);
  assert.deepEqual([cut.push(0xc3), cut.end()], ['', '\u{FFFD}']);
});

test('text ends before the first stop string, however it is cut into pieces', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 2, maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), stops, (pieces, given) => {
      const filter = createStopFilter(given);
      const whole = pieces.join('');
      const at = given.map((stop) => whole.indexOf(stop)).filter((index) => index >= 0);
      let text = '';
      let stopped = false;
      for (const piece of pieces) {
        if (stopped) break;
        const next = filter.push(piece);
        text += next.text;
        stopped = next.stopped;
      }
      if (!stopped) text += filter.end();
      assert.equal(stopped, at.length > 0);
      if (!stopped) assert.equal(text, whole);
      else assert.ok(given.every((stop) => !text.includes(stop)) && whole.startsWith(text), text);
    }),
    { seed },
  );
});
