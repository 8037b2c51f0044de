import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { InferenceClient, InferenceClientProviderApiError } from '@huggingface/inference';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { pushFiles } from '../flow/push-model.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';
import { onnxModel } from '../onnx-model.ts';
import { bertTokenizer } from '../tokenizer-files.ts';
import { lookupGraph } from '../unit/tasks/hosted-task.ts';

const root = new URL('../../', import.meta.url).pathname;
const picture = readFileSync(join(root, 'models/digits/golden/7.png'));

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

describe('@huggingface/inference', () => {
  const ask = (model: string, secret = platform.secret) =>
    new InferenceClient(secret, { endpointUrl: `${platform.url}/models/${model}` });

  test('a picture has five labels, best first', async () => {
    const data = new Blob([picture], { type: 'image/png' });
    const labels = await ask('digits').imageClassification({ data });
    assert.equal(labels.length, 5);
    assert.equal(labels[0]?.label, '7');
  });

  test('a sentence has labels, best first', async () => {
    const labels = await ask('sentiment').textClassification({ inputs: 'A wonderful film, I loved it.' });
    assert.equal(labels[0]?.label, 'positive');
    assert.ok(labels[0].score > labels[1]!.score);
  });

  test('a refusal comes with its status and its reason', async () => {
    const refused = (status: number, message: RegExp) => (error: unknown) =>
      error instanceof InferenceClientProviderApiError &&
      error.httpResponse.status === status &&
      message.test(JSON.stringify(error.httpResponse.body));
    const inputs = 'A film.';
    await assert.rejects(ask('absent').textClassification({ inputs }), refused(404, /absent/));
    await assert.rejects(
      ask('sentiment', `lam_${'A'.repeat(43)}`).textClassification({ inputs }),
      refused(401, /API key/),
    );
    await assert.rejects(
      ask('digits').imageClassification({ data: new Blob(['no picture']) }),
      refused(415, /JPEG, PNG, WebP or GIF/),
    );
  });
});

describe('openai', () => {
  const client = (apiKey = platform.secret) => new OpenAI({ apiKey, baseURL: `${platform.url}/v1`, maxRetries: 0 });

  test('models are listed and retrieved, also by an alias in the name', async () => {
    const { data: listed } = await client().models.list();
    const digits = listed.find(({ id }) => id === 'digits')!;
    assert.deepEqual([digits.object, listed.some(({ id }) => id === 'sentiment')], ['model', true]);
    assert.ok(Math.abs(digits.created - Date.now() / 1000) < 3600);
    assert.deepEqual(await client().models.retrieve('digits'), digits);
    assert.equal((await client().models.retrieve('digits@production')).id, 'digits@production');
  });

  test('a refusal is the typed error of its status, with the code and the request id', async () => {
    await assert.rejects(client().models.retrieve('org/name with space'), (error: NotFoundError) => {
      assert.ok(error instanceof NotFoundError);
      assert.equal(error.code, 'model_not_found');
      assert.match(error.requestID ?? '', /^[0-9a-f-]{36}$/);
      assert.match(error.message, /org\/name with space/);
      return true;
    });
    await assert.rejects(client(`lam_${'A'.repeat(43)}`).models.list(), AuthenticationError);
  });

  test('texts and token ids are embedded in both encodings, cut to dimensions, and counted', async () => {
    const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'up', 'right'];
    const vectors = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 3, 0],
      [6, 0, 3],
    ];
    await pushFiles(
      platform,
      { name: 'words', task: 'feature-extraction' },
      {
        'model.onnx': onnxModel(lookupGraph({ last_hidden_state: vectors })),
        'tokenizer.json': Buffer.from(JSON.stringify(bertTokenizer(words))),
      },
    );
    const embed = async (request: Partial<OpenAI.EmbeddingCreateParams>) => {
      const { data, usage } = await client().embeddings.create({ model: 'words', input: 'up', ...request });
      return { vectors: data.map(({ embedding }) => embedding), tokens: usage.prompt_tokens };
    };
    const expected = [
      [0, 1, 0],
      [1.5, 0.75, 0.75],
    ];
    // [CLS] up [SEP] and [CLS] up right [SEP]; without a format the client asks for base64.
    assert.deepEqual(await embed({ input: ['up', 'up right'] }), { vectors: expected, tokens: 7 });
    assert.deepEqual(await embed({ input: ['up', 'up right'], encoding_format: 'float' }), {
      vectors: expected,
      tokens: 7,
    });
    assert.deepEqual(await embed({ input: [2, 5, 3], encoding_format: 'float' }), {
      vectors: [expected[0]],
      tokens: 3,
    });
    assert.deepEqual(
      (
        await embed({
          input: [
            [2, 5, 3],
            [2, 5, 6, 3],
          ],
        })
      ).vectors,
      expected,
    );
    assert.deepEqual((await embed({ dimensions: 2 })).vectors, [[0, 1]]);
    await assert.rejects(embed({ dimensions: 4 }), BadRequestError);
    await assert.rejects(embed({ model: 'digits' }), /image-classification/);
    await assert.rejects(embed({ input: [2, 99] }), BadRequestError);
  });
});
