import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import OpenAI from 'openai';
import { createLambdaGenerator } from '../../../functions/aws/generate-on-lambda.ts';
import { createLlmGenerator } from '../../../functions/aws/generate-on-sagemaker.ts';
import type { GenerateOn } from '../../../functions/aws/host-stream.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { completeChat } from '../../../functions/http/openai-chat.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import { seededRandom } from '../../../functions/seeded-random.ts';
import type { Services } from '../../../functions/services.ts';
import { encodeEventMessage } from '../../../local/event-stream.ts';

/** How the host's answer goes wrong at a byte of it. */
const faults = ['end', 'reset', 'flip', 'exception', 'stall'] as const;
type Fault = (typeof faults)[number];

/** An answer as it was captured: what a host sends, and from where on its text is complete, whatever follows. */
interface Capture {
  readonly whole: Buffer;
  readonly ended: number;
  /** Where the second frame begins, within a line and within the two bytes of é. */
  readonly second: number;
}

function capture(type: string, payload: Buffer, completeAt: number, last: readonly Buffer[] = []): Capture {
  const cut = payload.indexOf('é') + 1;
  const frame = (part: Uint8Array) => encodeEventMessage({ ':event-type': type, ':message-type': 'event' }, part);
  const frames = [frame(payload.subarray(0, cut)), frame(payload.subarray(cut, completeAt))];
  const rest = completeAt < payload.length ? [frame(payload.subarray(completeAt))] : [];
  const ended = frames[0]!.length + frames[1]!.length;
  return { whole: Buffer.concat([...frames, ...rest, ...last]), ended, second: frames[0]!.length };
}

const lambdaLines = [
  { kind: 'delta', text: 'on' },
  { kind: 'delta', text: 'ce é' },
  { kind: 'end', finishReason: 'stop', promptTokens: 3, completionTokens: 2 },
];
const chunks = [
  { choices: [{ delta: { content: 'on' } }] },
  { choices: [{ delta: { content: 'ce é' } }] },
  { choices: [{ delta: {}, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
];
const lines = (values: readonly object[], before = '', between = '\n') =>
  Buffer.from(values.map((value) => `${before}${JSON.stringify(value)}${between}`).join(''));
const sse = lines(chunks, 'data: ', '\n\n');
const captures = {
  lambda: capture('PayloadChunk', lines(lambdaLines), lines(lambdaLines).length, [
    encodeEventMessage({ ':event-type': 'InvokeComplete', ':message-type': 'event' }, Buffer.from('{}')),
  ]),
  jsonlines: capture('PayloadPart', lines(chunks), lines(chunks).length),
  sse: capture('PayloadPart', Buffer.concat([sse, Buffer.from('data: [DONE]\n\n')]), sse.length),
} as const;
type Host = keyof typeof captures;
const exceptions: Record<Host, string> = {
  lambda: 'InternalError',
  jsonlines: 'ModelStreamError',
  sse: 'InternalStreamFailure',
};

/** What the user says tells the host what is to go wrong: `<host> <fault> <byte>`. */
const host = await listen(
  createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const { messages } = body.messages ? body : body.request.prompt;
    const [name, fault, place] = messages[0].content.split(' ') as [Host, Fault | 'none', string];
    const { whole } = captures[name];
    const at = Number(place);
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    if (fault === 'none') return void response.end(whole);
    if (fault === 'flip') return void response.end(whole.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    const headers = { ':exception-type': exceptions[name], ':message-type': 'exception' };
    const then = {
      end: () => response.end(),
      reset: () => request.socket.resetAndDestroy(),
      exception: () => response.end(encodeEventMessage(headers, Buffer.from('{"Message": "the container ended"}'))),
      stall: () => {},
    }[fault];
    response.write(whole.subarray(0, at), then);
    if (at === 0) response.flushHeaders();
  }),
);
Object.assign(process.env, {
  AWS_ENDPOINT_URL_LAMBDA: host.url,
  AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: host.url,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});
after(() => host.close());

const onLambda = createLambdaGenerator({ INFER_FUNCTION_NAME: 'infer' });
const onSagemaker = createLlmGenerator({ LLM_ENDPOINT_NAME: 'llm', SAGEMAKER_MAX_BYTES: 10_000 });
const services = (generate: GenerateOn, stallMs: number) => ({
  generate: ((model, request, deadline, signal) =>
    generate(model, request, { deadline, signal, stallMs })) as Services['generate'],
  readModelEntry: async (name: string) => ({ name, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
  readModel: async (name: string) => ({
    ...modelVersionSchema.parse({ manifest: { name, version: '1', files: {} }, inputs: [], outputs: [] }),
    assets: {},
  }),
});

async function ask(says: string, milliseconds = 30_000, stallMs = 30) {
  const body = { model: 'any', stream: true, messages: [{ role: 'user', content: says }] };
  return await completeChat(
    {
      method: 'POST',
      path: '/v1/chat/completions',
      parameters: {},
      query: {},
      headers: {},
      body: Buffer.from(JSON.stringify(body)),
      requestId: 'r',
      deadline: Date.now() + milliseconds,
    },
    services(says.startsWith('lambda') ? onLambda : onSagemaker, stallMs),
  );
}

/** What a raw reader of the events sees; undefined: the request was refused before there was one. */
async function read(says: string, milliseconds?: number): Promise<string[] | undefined> {
  try {
    const { body } = await ask(says, milliseconds);
    const text = (await (body as Readable).toArray()).join('');
    assert.ok(text.endsWith('\n\n'));
    return text.split('\n\n').slice(0, -1);
  } catch (error) {
    assert.ok(error instanceof ServiceError && error.status >= 500, String(error));
    return undefined;
  }
}

function judge(says: string, complete: boolean, events: string[] | undefined): void {
  assert.ok(events || !complete, says);
  if (!events) return;
  const place = `${says}: ${events.join(' ')}`;
  const done = events.includes('data: [DONE]');
  const failed = events.at(-1)!.startsWith('data: {"error":{"message":');
  const reasons = events.filter((event) => event.includes('"finish_reason":"'));
  assert.notEqual(done, failed, place);
  assert.equal(reasons.length, done ? 1 : 0, place);
  assert.equal(done, complete, place);
}

for (const name of Object.keys(captures) as Host[]) {
  describe(`an answer of the host '${name}'`, () => {
    const { whole, ended } = captures[name];

    test('that came whole ends with its reason and [DONE]', async () => {
      const events = (await read(`${name} none 0`)) ?? [];
      assert.equal(events.at(-1), 'data: [DONE]');
      const choices = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)).choices[0]);
      assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), 'once é');
      assert.equal(choices.at(-1).finish_reason, 'stop');
    });

    for (const fault of faults) {
      test(`with the fault '${fault}' at any byte of it is an error for a caller, never an invented end`, async () => {
        // The two framings of SageMaker differ in the lines alone: of one a sample will do.
        const random = seededRandom(fault);
        const places = [...whole.keys()].filter((at) => name !== 'sse' || at > ended - 20 || random() < 0.1);
        // Before its first token a host has until the deadline, which is soon for those that will stall.
        const milliseconds = (at: number) => (fault === 'stall' && at < ended ? 300 : 30_000);
        const says = (at: number) => `${name} ${fault} ${at}`;
        await Promise.all(
          places.map(async (at) => judge(says(at), at >= ended, await read(says(at), milliseconds(at)))),
        );
      });
    }
  });
}

test("OpenAI's client throws where a stream broke off, and has no reason for its end", async () => {
  const gateway = await listen(
    createServer(async (request, response) => {
      request.resume();
      const { status, headers, body } = await ask(decodeURIComponent(request.url!.split('/')[1]!));
      response.writeHead(status, headers);
      (body as Readable).pipe(response);
    }),
  );
  try {
    for (const name of ['lambda', 'jsonlines'] as const) {
      for (const fault of faults.filter((each) => each !== 'flip')) {
        const baseURL = `${gateway.url}/${encodeURIComponent(`${name} ${fault} ${captures[name].second}`)}`;
        const stream = await new OpenAI({ apiKey: 'key', baseURL, maxRetries: 0 }).chat.completions.create({
          model: 'any',
          messages: [{ role: 'user', content: 'tell' }],
          stream: true,
        });
        const reasons: unknown[] = [];
        await assert.rejects(async () => {
          for await (const { choices } of stream) reasons.push(choices[0]?.finish_reason);
        }, /ended before the text did|sent no more of the text/);
        assert.ok(reasons.length > 0 && reasons.every((reason) => reason === null), `${name} ${fault}`);
      }
    }
  } finally {
    gateway.close();
  }
});

test('a host that is silent until the deadline is an error with a status', async () => {
  await assert.rejects(ask('jsonlines stall 0', 50), { code: 'deadline_exceeded' });
});

test('a caller that leaves closes the connection to the host at once, also while the host is silent', async () => {
  for (const name of ['lambda', 'jsonlines'] as const) {
    const left = host.connectionClosed();
    const { body } = await ask(`${name} stall ${captures[name].second}`, 600_000, 600_000);
    (body as Readable).destroy();
    await left;
  }
});

async function listen(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Fulfilled when the next request's connection is closed by the one who asked. */
    connectionClosed: () =>
      new Promise<void>((resolve) => {
        server.once('request', (_request, response) => response.once('close', resolve));
      }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
