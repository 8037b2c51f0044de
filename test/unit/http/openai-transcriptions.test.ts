import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSrt, renderVtt, toSegments } from '../../../functions/http/transcript-segments.ts';

const word = (text: string, start: number, end = start + 0.3) => {
  return { text, timestamp: [start, end] as const, tokens: [1, 2], logprobs: [-0.1, -0.3] };
};

test('a pause, the end of a sentence and the room of a subtitle end a segment', () => {
  const words = [word('one', 0), word('two.', 0.4), word('three', 0.9), word('four', 3), word('a'.repeat(80), 3.5)];
  const segments = toSegments(words);
  assert.deepEqual(
    segments.map(({ text, start, end }) => [text, start, end]),
    [
      ['one two.', 0, 0.7],
      ['three', 0.9, 1.2],
      ['four', 3, 3.3],
      ['a'.repeat(80), 3.5, 3.8],
    ],
  );
  const { avg_logprob, no_speech_prob, tokens, seek } = segments[0]!;
  assert.deepEqual([tokens, seek], [[1, 2, 1, 2], 0]);
  assert.ok(Math.abs(avg_logprob + 0.2) < 1e-12 && Math.abs(no_speech_prob - (1 - Math.exp(-0.1))) < 1e-12);
  const slow = toSegments(Array.from({ length: 12 }, (_, i) => word('so', i * 0.9, i * 0.9 + 0.5)));
  assert.ok(slow.length === 2 && slow.every(({ start, end }) => end - start <= 7));
  assert.deepEqual(toSegments([]), []);
});

test('subtitles have the clocks of their formats, and WebVTT no markup of the text', () => {
  const segments = toSegments([word('<b> & co.', 3725.4996, 3726)]);
  assert.equal(renderSrt(segments), '1\n01:02:05,500 --> 01:02:06,000\n<b> & co.\n\n');
  assert.equal(renderVtt(segments), 'WEBVTT\n\n01:02:05.500 --> 01:02:06.000\n&lt;b&gt; &amp; co.\n\n');
  assert.equal(renderVtt([]), 'WEBVTT\n\n');
});
