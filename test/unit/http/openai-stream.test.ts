import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { createLambdaGenerator } from '../../../functions/aws/generate-on-lambda.ts';
import { ServiceError } from '../../../functions/errors.ts';
import type { GenerateLine } from '../../../functions/host/generate-event.ts';
import { openaiChatRoutes } from '../../../functions/http/openai-chat.ts';
import { modelVersionSchema } from '../../../functions/registry/model-manifest.ts';
import type { Services } from '../../../functions/services.ts';
import { encodeEventMessage } from '../../../local/event-stream.ts';

/** How the host's answer goes wrong at a byte of it. */
const faults = ['end', 'reset', 'flip', 'exception', 'stall'] as const;
type Fault = (typeof faults)[number];

const lines: GenerateLine[] = [
  { kind: 'delta', text: 'on' },
  { kind: 'delta', text: 'ce é' },
  { kind: 'end', finishReason: 'stop', promptTokens: 3, completionTokens: 2 },
];
const chunk = (payload: Uint8Array) =>
  encodeEventMessage({ ':event-type': 'PayloadChunk', ':message-type': 'event' }, payload);
const payload = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
/** The second frame begins within a line. */
const frames = [chunk(payload.subarray(0, 45)), chunk(payload.subarray(45))];
const complete = encodeEventMessage(
  { ':event-type': 'InvokeComplete', ':content-type': 'application/json', ':message-type': 'event' },
  Buffer.from('{}'),
);
const exception = encodeEventMessage(
  { ':exception-type': 'InternalError', ':message-type': 'exception', ':content-type': 'application/json' },
  Buffer.from('{"message": "the container ended"}'),
);
const whole = Buffer.concat([...frames, complete]);
/** From here on the text's own end has come: it is complete, whatever follows. */
const ended = frames[0]!.length + frames[1]!.length;

/** The model's name says what is to go wrong: `<fault>-<byte>`. */
const host = await listen(
  createServer(async (request, response) => {
    const event = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const [fault, at] = [
      event.manifest.name.split('-')[0] as Fault | 'none',
      Number(event.manifest.name.split('-')[1]),
    ];
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    if (fault === 'none') return void response.end(whole);
    if (fault === 'flip') {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1;
      return void response.end(flipped);
    }
    const then = {
      end: () => response.end(),
      reset: () => request.socket.resetAndDestroy(),
      exception: () => response.end(exception),
      stall: () => {},
    }[fault];
    response.write(whole.subarray(0, at), then);
    if (at === 0) response.flushHeaders();
  }),
);
Object.assign(process.env, {
  AWS_ENDPOINT_URL_LAMBDA: host.url,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
});
after(() => host.close());

const { generate } = createLambdaGenerator({ INFER_FUNCTION_NAME: 'infer' }, { stallMs: 30 });
const services = {
  generate,
  readModelEntry: async (name: string) => ({ name, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
  readModel: async (name: string) => ({
    ...modelVersionSchema.parse({ manifest: { name, version: '1', files: {} }, inputs: [], outputs: [] }),
    assets: {},
  }),
} as unknown as Services;

async function ask(name: string, milliseconds = 30_000) {
  const body = { model: name, stream: true, messages: [{ role: 'user', content: 'tell' }] };
  return await openaiChatRoutes[0]!.handle(
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
    services,
  );
}

/** What a raw reader of the events sees; undefined: the request was refused before there was one. */
async function read(name: string, milliseconds?: number): Promise<string[] | undefined> {
  try {
    const { body } = await ask(name, milliseconds);
    const text = (await (body as Readable).toArray()).join('');
    assert.ok(text.endsWith('\n\n'));
    return text.split('\n\n').slice(0, -1);
  } catch (error) {
    assert.ok(error instanceof ServiceError && error.status >= 500, String(error));
    return undefined;
  }
}

test('a stream that came whole ends with its reason and [DONE]', async () => {
  const events = (await read('none-0')) ?? [];
  assert.equal(events.at(-1), 'data: [DONE]');
  const choices = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)).choices[0]);
  assert.equal(choices.map(({ delta }) => delta.content ?? '').join(''), 'once é');
  assert.equal(choices.at(-1).finish_reason, 'stop');
});

for (const fault of faults) {
  test(`with the fault '${fault}' at any byte of the host's answer a caller sees an error, never an invented end`, async () => {
    const places = [...whole.keys()];
    // Before its first token a host has until the deadline, which is soon for those that will stall.
    const milliseconds = (at: number) => (fault === 'stall' && at < ended ? 300 : 30_000);
    await Promise.all(places.map(async (at) => judge(at, await read(`${fault}-${at}`, milliseconds(at)))));
  });

  function judge(at: number, events: string[] | undefined): void {
    if (!events) return;
    const place = `${fault} at ${at}: ${events.join(' ')}`;
    const done = events.includes('data: [DONE]');
    const failed = events.at(-1)!.startsWith('data: {"error":{"message":');
    const reasons = events.filter((event) => event.includes('"finish_reason":"'));
    assert.notEqual(done, failed, place);
    assert.equal(reasons.length, done ? 1 : 0, place);
    assert.equal(done, at >= ended, place);
  }
}

test("OpenAI's client throws where a stream broke off, and has no reason for its end", async () => {
  const gateway = await listen(
    createServer(async (request, response) => {
      request.resume();
      const { status, headers, body } = await ask(request.url!.split('/')[1]!);
      response.writeHead(status, headers);
      (body as Readable).pipe(response);
    }),
  );
  try {
    for (const fault of ['end', 'reset', 'exception'] as const) {
      const baseURL = `${gateway.url}/${fault}-${frames[0]!.length}`;
      const stream = await new OpenAI({ apiKey: 'key', baseURL, maxRetries: 0 }).chat.completions.create({
        model: 'any',
        messages: [{ role: 'user', content: 'tell' }],
        stream: true,
      });
      const reasons: unknown[] = [];
      await assert.rejects(async () => {
        for await (const { choices } of stream) reasons.push(choices[0]?.finish_reason);
      }, /ended before the text did/);
      assert.ok(reasons.length > 0 && reasons.every((reason) => reason === null), fault);
    }
  } finally {
    gateway.close();
  }
});

test('a host that is silent until the deadline is an error with a status', async () => {
  await assert.rejects(ask('stall-0', 50), { code: 'deadline_exceeded' });
});

test('a caller that leaves closes the connection to the host', async () => {
  const left = host.connectionClosed();
  const { body } = await ask(`stall-${frames[0]!.length}`);
  (body as Readable).destroy();
  await left;
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
