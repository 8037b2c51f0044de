import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { pushFolder } from '../flow/push-model.ts';
import { runPlatform, temporaryState } from '../flow/run-platform.ts';

/** OpenAI's published description. */
const file = '../shared/data/openai/inference-subset.normalized.json';
const skip = existsSync(file) ? false : `${file} is not there`;
const sound = new URL('../../models/digit-strings/golden/1.wav', import.meta.url).pathname;

test("answers about files, batches and speech are those of OpenAI's description", { skip }, async (t) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, discriminator: false });
  ajv.addSchema({ $id: 'openai', ...JSON.parse(readFileSync(file, 'utf8')) });
  const check = (name: string, value: unknown) => {
    const validate = ajv.compile({ $ref: `openai#/components/schemas/${name}` });
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)} ${JSON.stringify(value)}`);
  };
  const temporary = await temporaryState();
  t.after(temporary.remove);
  const platform = await runPlatform(temporary.state);
  t.after(() => platform.end());
  await pushFolder(platform, 'models/digit-strings');
  const ask = async (method: string, path: string, body?: FormData | object) => {
    const json = body && !(body instanceof FormData);
    const init = { method, ...(body && { body: json ? JSON.stringify(body) : (body as FormData) }) };
    const answer = await platform.request(path, {
      ...init,
      headers: json ? { 'content-type': 'application/json' } : {},
    });
    return (await answer.json()) as Record<string, unknown> & { id: string };
  };
  const form = (fields: Record<string, string | Blob>) => {
    const made = new FormData();
    for (const [name, value] of Object.entries(fields)) made.append(name, value);
    return made;
  };

  const line = JSON.stringify({ custom_id: 'a', method: 'POST', url: '/models/sentiment', body: { inputs: 'great' } });
  const kept = await ask('POST', '/v1/files', form({ purpose: 'batch', file: new File([line], 'in.jsonl') }));
  check('OpenAIFile', kept);
  check('OpenAIFile', await ask('GET', `/v1/files/${kept.id}`));
  check('ListFilesResponse', await ask('GET', '/v1/files'));
  const batch = {
    input_file_id: kept.id,
    endpoint: '/models/sentiment',
    completion_window: '24h',
    metadata: { a: 'b' },
  };
  let made = await ask('POST', '/v1/batches', batch);
  while (made.status !== 'completed') {
    check('Batch', made);
    made = await ask('GET', `/v1/batches/${made.id}`);
  }
  check('Batch', made);
  check('ListBatchesResponse', await ask('GET', '/v1/batches'));
  check('OpenAIFile', await ask('GET', `/v1/files/${made.output_file_id as string}`));
  check('DeleteFileResponse', await ask('DELETE', `/v1/files/${kept.id}`));
  check('ListFilesResponse', await ask('GET', '/v1/files?purpose=vision'));
  check('ErrorResponse', await ask('GET', '/v1/files/file-nothing'));
  check('ErrorResponse', await ask('POST', '/v1/batches', {}));

  const spoken = { model: 'digit-strings', file: new File([readFileSync(sound)], '1.wav') };
  check('CreateTranscriptionResponseJson', await ask('POST', '/v1/audio/transcriptions', form(spoken)));
  const verbose = form({ ...spoken, response_format: 'verbose_json' });
  for (const each of ['word', 'segment']) verbose.append('timestamp_granularities[]', each);
  const heard = await ask('POST', '/v1/audio/transcriptions', verbose);
  check('CreateTranscriptionResponseVerboseJson', heard);
  assert.ok(Array.isArray(heard.words) && Array.isArray(heard.segments));
});
