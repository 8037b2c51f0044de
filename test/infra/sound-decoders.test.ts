import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AudioStream } from '../../functions/media/audio-stream.ts';
import { buildFunctions } from '../../infra/build.ts';
import { encodedTones } from '../encoded-tones.ts';

const folder = mkdtempSync(join(tmpdir(), 'lambent-build-'));
after(() => rm(folder, { recursive: true }));

const openers = { openMp3: 'MP3', openFlac: 'FLAC', openVorbis: 'Ogg Vorbis', openOpus: 'Ogg Opus' } as const;

test('each sound decoder is a chunk of the api bundle that works by itself', async () => {
  await buildFunctions(folder);
  const api = join(folder, 'api');
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
