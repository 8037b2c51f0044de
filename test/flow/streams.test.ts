import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { createLlmGenerator } from '../../functions/aws/generate-on-sagemaker.ts';
import type { createGenerator } from '../../functions/host/answer-generate-event.ts';
import { completeChat } from '../../functions/http/openai-chat.ts';
import { modelVersionSchema } from '../../functions/registry/model-manifest.ts';
import type { Services } from '../../functions/services.ts';
import { readOperation } from '../../local/sagemaker/invoke-endpoint.ts';
import { createLlm } from '../../local/sagemaker/llm.ts';
import { type StandIn, startStandIn } from '../../local/stand-in-server.ts';
import { decoderPackage } from '../decoder-model.ts';

/** A host that says one token, then waits until it is let on, for each token again. */
const { manifest } = decoderPackage(new Uint8Array(1));
let permits = 0;
let wake = () => {};
function letOn(tokens = 1): void {
  permits += tokens;
  wake();
}
const state = { generating: 0, tokens: 0, ended: () => {} };
const generator: ReturnType<typeof createGenerator> = async function* () {
  state.generating += 1;
  try {
    for (;;) {
      state.tokens += 1;
      yield `${JSON.stringify({ kind: 'delta', text: `token ${state.tokens}` })}\n`;
      while (permits === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      permits -= 1;
    }
  } finally {
    state.generating -= 1;
    state.ended();
  }
};
const objects = {
  list: async () => ['models/decoder/1/model.json'],
  read: async () => Buffer.from(JSON.stringify(manifest)),
};

let sagemaker: StandIn;
let gateway: Server;
let client: OpenAI;
before(async () => {
  const llm = createLlm({ framing: 'jsonlines', maxBytes: 1e6, timeoutSeconds: 60 }, generator, objects);
  sagemaker = await startStandIn({
    operation: readOperation,
    handle: (request, response, operation) => llm({ request, response, operation }),
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: sagemaker.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const generate = createLlmGenerator({ LLM_ENDPOINT_NAME: 'llm', SAGEMAKER_MAX_BYTES: 1e6 });
  const services = {
    generate: ((model, request, deadline, signal) =>
      generate(model, request, { deadline, signal })) as Services['generate'],
    readModelEntry: async (name: string) => ({ name, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
    readModel: async () => ({ ...modelVersionSchema.parse({ manifest, inputs: [], outputs: [] }), assets: {} }),
  };
  gateway = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const given = {
      method: 'POST',
      path: '/v1/chat/completions',
      parameters: {},
      query: {},
      headers: {},
      requestId: 'r',
    };
    const answer = await completeChat({ ...given, body, deadline: Date.now() + 60_000 }, services);
    response.writeHead(answer.status, answer.headers);
    const events = answer.body as Readable;
    response.once('close', () => events.destroy());
    events.pipe(response);
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  const { port } = gateway.address() as AddressInfo;
  client = new OpenAI({ apiKey: 'key', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
});
after(async () => {
  gateway.close();
  gateway.closeAllConnections();
  await sagemaker.close();
});

const ask = async () => {
  const messages = [{ role: 'user' as const, content: 'tell' }];
  return await client.chat.completions.create({ model: 'decoder', messages, stream: true });
};

test('each token is with the caller before the host has the next one', async () => {
  Object.assign(state, { tokens: 0 });
  permits = 0;
  const stream = await ask();
  const said: string[] = [];
  for await (const { choices } of stream) {
    const text = choices[0]?.delta.content;
    if (!text) continue;
    said.push(text);
    assert.equal(state.tokens, said.length);
    if (said.length === 3) break;
    letOn();
  }
  assert.deepEqual(said, ['token 1', 'token 2', 'token 3']);
  await leaveHost();
});

test('a caller that leaves ends the generation on the host, within a few tokens', async () => {
  Object.assign(state, { tokens: 0 });
  permits = 0;
  const stream = await ask();
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  assert.equal(state.generating, 1);
  stream.controller.abort();
  await leaveHost();
  assert.equal(state.generating, 0);
  assert.ok(state.tokens < 5, `${state.tokens} tokens`);
});

/** Fulfilled when nobody is connected to the host any more. */
function nobodyConnected(resolve: () => void): void {
  sagemaker.server.getConnections((_error, count) =>
    count === 0 ? resolve() : setImmediate(nobodyConnected, resolve),
  );
}

/** Waits until nobody listens, lets the host say as much as it likes, and waits until it has ended. */
async function leaveHost(): Promise<void> {
  await new Promise<void>(nobodyConnected);
  const ended = new Promise<void>((resolve) => {
    state.ended = resolve;
  });
  letOn(Number.POSITIVE_INFINITY);
  await ended;
}
