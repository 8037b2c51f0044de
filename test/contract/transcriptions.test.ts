import assert from 'node:assert/strict';
import { createReadStream, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';
import OpenAI, { BadRequestError, toFile } from 'openai';
import { pushFolder } from '../flow/push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';

const sound = new URL('../../models/digit-strings/golden/1.wav', import.meta.url).pathname;
const keyword = new URL('../../models/keywords/golden/7.wav', import.meta.url).pathname;
const spoken = '0 2 5 8 1';

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let client: OpenAI;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  client = new OpenAI({ apiKey: platform.secret, baseURL: `${platform.url}/v1`, maxRetries: 0 });
  for (const sample of ['digit-strings', 'keywords']) await pushFolder(platform, `models/${sample}`);
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

const ask = { model: 'digit-strings' };

test('a sound is written down, as JSON and as text', async () => {
  const { text } = await client.audio.transcriptions.create({ ...ask, file: createReadStream(sound) });
  assert.equal(text, spoken);
  const plain = await client.audio.transcriptions.create({
    ...ask,
    file: createReadStream(sound),
    response_format: 'text',
  });
  assert.equal(String(plain).trim(), spoken);
});

test('words and segments have their times in the order of the sound', async () => {
  const heard = await client.audio.transcriptions.create({
    ...ask,
    file: createReadStream(sound),
    response_format: 'verbose_json',
    timestamp_granularities: ['word', 'segment'],
    language: 'en',
  });
  assert.deepEqual(
    [heard.text, heard.language, heard.words?.map(({ word }) => word)],
    [spoken, 'en', spoken.split(' ')],
  );
  // Sixteen bits a sample at 8,000 Hz, behind a header of 44 bytes.
  const seconds = (readFileSync(sound).length - 44) / 16_000;
  assert.ok(Math.abs(heard.duration - seconds) < 0.1, `${heard.duration} of ${seconds}`);
  const times = heard.words!.flatMap(({ start, end }) => [start, end]);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  assert.ok(times.at(-1)! <= heard.duration + 0.05);
  assert.equal(heard.segments?.map(({ text }) => text).join(' '), spoken);
  for (const { avg_logprob, no_speech_prob, tokens } of heard.segments ?? []) {
    assert.ok(avg_logprob <= 0 && avg_logprob > -2 && no_speech_prob < 0.5 && tokens.length > 0);
  }
});

test('subtitles come as text, and a stream ends with the whole', async () => {
  const file = () => createReadStream(sound);
  const srt = await client.audio.transcriptions.create({ ...ask, file: file(), response_format: 'srt' });
  assert.match(String(srt), /^1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n0 2/);
  const vtt = await client.audio.transcriptions.create({ ...ask, file: file(), response_format: 'vtt' });
  assert.match(String(vtt), /^WEBVTT\n\n00:00:0\d\.\d{3} --> /);
  const types: string[] = [];
  for await (const event of await client.audio.transcriptions.create({ ...ask, file: file(), stream: true })) {
    types.push(event.type);
    if (event.type === 'transcript.text.done') assert.equal(event.text, spoken);
  }
  assert.deepEqual(types, ['transcript.text.delta', 'transcript.text.done']);
});

test('what is no sound, no model of speech or no format is a typed error', async () => {
  const file = createReadStream(sound);
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof BadRequestError && message.test(error.message);
  await assert.rejects(client.audio.transcriptions.create({ file, model: 'digits' }), refused(/hears no speech/));
  const noise = await toFile(Buffer.from('no sound'), 'a.wav');
  await assert.rejects(client.audio.transcriptions.create({ ...ask, file: noise }), /415.*WAV/);
  const asked = { ...ask, file: createReadStream(sound), response_format: 'diarized_json' } as const;
  await assert.rejects(client.audio.transcriptions.create(asked), refused(/verbose_json/));
});

test('Hugging Face’s client sends a sound, to be written down or named', async () => {
  const hub = (model: string) =>
    new InferenceClient(platform.secret, { endpointUrl: `${platform.url}/models/${model}` });
  const data = new Blob([readFileSync(sound)], { type: 'audio/wav' });
  assert.equal((await hub('digit-strings').automaticSpeechRecognition({ data })).text, spoken);
  const golden = readFileSync(keyword);
  const [best] = await hub('keywords').audioClassification({ data: new Blob([golden], { type: 'audio/wav' }) });
  assert.ok(best && best.score > 0.5, JSON.stringify(best));
});
