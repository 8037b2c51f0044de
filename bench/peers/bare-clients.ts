import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { createTensor } from '../../functions/inference/tensor.ts';
import { openSessions, toFeeds } from './sessions.ts';

/** The least that answers OpenAI's embeddings of token ids and keeps a file: no keys, no limits, no storage but the disk. */
const folder = process.argv[2]!;
const encoder = (await openSessions(folder)).get('minilm')!;

async function embed(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { model, input } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; input: number[] };
  const shape = [1, input.length];
  const ids = createTensor('input_ids', 'INT64', shape, BigInt64Array.from(input, BigInt));
  const mask = createTensor('attention_mask', 'INT64', shape, new BigInt64Array(input.length).fill(1n));
  const { last_hidden_state: state } = await encoder.run(toFeeds([ids, mask]));
  const data = state!.data as Float32Array;
  const width = state!.dims[2]!;
  const embedding = Array.from({ length: width }, (_, at) => {
    let sum = 0;
    for (let token = 0; token < input.length; token++) sum += data[token * width + at]!;
    return sum / input.length;
  });
  const base64 = Buffer.from(new Float32Array(embedding).buffer).toString('base64');
  const body = { object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: base64 }] };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function keep(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = randomUUID();
  let bytes = 0;
  const form = new Busboy({ headers: { ...request.headers, 'content-type': request.headers['content-type']! } });
  const written: Promise<void>[] = [];
  form.on('file', (_name, stream) => {
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    written.push(pipeline(stream, createWriteStream(join(folder, id))));
  });
  await pipeline(request, form);
  await Promise.all(written);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id, bytes }));
}

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const answer = request.url === '/v1/files' ? keep : embed;
  answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
});

server.listen(0, '127.0.0.1', () => console.log(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`));
