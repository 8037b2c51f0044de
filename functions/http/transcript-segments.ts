import { deflateSync } from 'node:zlib';
import type { TranscriptChunk } from '../tasks/automatic-speech-recognition.ts';

/** A pause that ends a segment, and the most that one subtitle shows: two lines of 42 characters for seven seconds. */
const pauseSeconds = 1;
const maxSeconds = 7;
const maxCharacters = 84;

/** A part of a transcript as OpenAI's verbose_json has it. Source: openai-openapi, TranscriptionSegment. */
export interface Segment {
  readonly id: number;
  /** Whisper's place in the sound, in hundredths of a second. */
  readonly seek: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly temperature: number;
  readonly avg_logprob: number;
  readonly compression_ratio: number;
  readonly no_speech_prob: number;
}

/** Words → segments: a pause, the end of a sentence, or the room of a subtitle ends one. */
export function toSegments(words: readonly TranscriptChunk[]): Segment[] {
  const groups: TranscriptChunk[][] = [];
  for (const word of words) {
    const group = groups.at(-1);
    if (group && belongs(word, group)) group.push(word);
    else groups.push([word]);
  }
  return groups.map(toSegment);
}

function belongs({ text, timestamp: [start, end] }: TranscriptChunk, group: readonly TranscriptChunk[]): boolean {
  const [first, last] = [group[0]!, group.at(-1)!];
  if (start - last.timestamp[1] >= pauseSeconds || /[.?!…]$/.test(last.text)) return false;
  return end - first.timestamp[0] <= maxSeconds && textOf(group).length + 1 + text.length <= maxCharacters;
}

function textOf(words: readonly TranscriptChunk[]): string {
  return words.map(({ text }) => text).join(' ');
}

function toSegment(words: readonly TranscriptChunk[], id: number): Segment {
  const text = textOf(words);
  const start = words[0]!.timestamp[0];
  const logprobs = words.flatMap((word) => word.logprobs ?? []);
  const bytes = Buffer.from(text);
  return {
    id,
    seek: Math.round(start * 100),
    start,
    end: words.at(-1)!.timestamp[1],
    text,
    tokens: words.flatMap((word) => word.tokens ?? []),
    // The best token of every frame is taken: nothing is drawn.
    temperature: 0,
    avg_logprob: logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length,
    compression_ratio: bytes.length / deflateSync(bytes).length,
    // That not even the surest token was heard.
    no_speech_prob: 1 - Math.exp(Math.max(...logprobs)),
  };
}

/** SubRip. */
export function renderSrt(segments: readonly Segment[]): string {
  return segments
    .map(({ start, end, text }, at) => `${at + 1}\n${clock(start, ',')} --> ${clock(end, ',')}\n${text}\n\n`)
    .join('');
}

/** WebVTT. Source: W3C, "WebVTT: The Web Video Text Tracks Format". */
export function renderVtt(segments: readonly Segment[]): string {
  const escapeText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const cues = segments.map(
    ({ start, end, text }) => `${clock(start, '.')} --> ${clock(end, '.')}\n${escapeText(text)}\n\n`,
  );
  return `WEBVTT\n\n${cues.join('')}`;
}

/** 3725.5 → 01:02:05,500. */
function clock(seconds: number, comma: string): string {
  const milliseconds = Math.round(seconds * 1000);
  const parts = [milliseconds / 3_600_000, (milliseconds / 60_000) % 60, (milliseconds / 1000) % 60];
  const [hours, minutes, rest] = parts.map((part) => String(Math.floor(part)).padStart(2, '0'));
  return `${hours}:${minutes}:${rest}${comma}${String(milliseconds % 1000).padStart(3, '0')}`;
}
