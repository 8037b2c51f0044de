import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { AudioStream } from '../../functions/media/audio-stream.ts';
import type { ThreadAnswer, ThreadRequest } from '../../functions/threads/thread-messages.ts';
import { buildFunctions } from '../../infra/build.ts';
import { encodedTones } from '../encoded-tones.ts';
import { testModel } from '../unit/tasks/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'lambent-build-'));
after(() => rm(folder, { recursive: true }));

const openers = { openMp3: 'MP3', openFlac: 'FLAC', openVorbis: 'Ogg Vorbis', openOpus: 'Ogg Opus' } as const;

const api = join(folder, 'api');
before(() => buildFunctions(folder));

test('each sound decoder is a chunk of the api bundle that works by itself', async () => {
  const found: string[] = [];
  for (const file of readdirSync(api).filter((name) => name.startsWith('chunk-') && name.endsWith('.mjs'))) {
    const name = Object.keys(openers).find((opener) => readFileSync(join(api, file), 'utf8').includes(`"${opener}"`));
    if (!name) continue;
    const exported = Object.values((await import(pathToFileURL(join(api, file)).href)) as Record<string, unknown>);
    const open = exported.find((value) => typeof value === 'function' && value.name === name);
    const { bytes, sampleRateHz } = encodedTones[openers[name as keyof typeof openers]];
    let samples = 0;
    for await (const [channel] of (open as (bytes: Uint8Array) => AudioStream)(bytes).pieces())
      samples += channel!.length;
    assert.equal(samples, sampleRateHz * 0.2, name);
    found.push(name);
  }
  assert.deepEqual(found.sort(), Object.keys(openers).sort());
});

test('a thread of the api bundle prepares a sound and asks for a run of its model', async () => {
  const worker = new Worker(pathToFileURL(join(api, 'task-worker.mjs')));
  const samples = { name: 'input_values', datatype: 'FP32', shape: [1, -1] } as const;
  const manifest = { task: 'audio-classification', preprocessing: { sampling_rate: 8000 } };
  const input = { inputs: encodedTones.FLAC.bytes, parameters: { top_k: 1 } };
  const request: ThreadRequest = {
    kind: 'task',
    call: 1,
    modelId: 1,
    input,
    model: testModel({}, [samples], manifest),
  };
  const answered = once(worker, 'message');
  worker.postMessage(request);
  const [answer] = (await answered) as [ThreadAnswer];
  await worker.terminate();
  assert.ok(answer.kind === 'infer', JSON.stringify(answer));
  assert.deepEqual(answer.request.inputs[0]?.shape, [1, 1600]);
});
