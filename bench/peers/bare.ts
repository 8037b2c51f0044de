import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeInferRequest, encodeInferResponse } from '../../functions/inference/binary-tensor.ts';
import type { Tensor } from '../../functions/inference/protocol.ts';
import { createTensor } from '../../functions/inference/tensor.ts';
import { openSessions, toFeeds } from './sessions.ts';

/** The least that serves tensors in binary: node:http, the protocol, session.run; no batches, no keys, no limits. */
const sessions = await openSessions(process.argv[2]!);

// Runs block the event loop for seconds: connections are not to time out behind them.
const server = createServer({ keepAliveTimeout: 120_000 }, async (request, response) => {
  const name = request.url!.split('/')[3]!;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headerLength = Number(request.headers['inference-header-content-length']);
  const { inputs } = decodeInferRequest(Buffer.concat(chunks), headerLength);
  const results = await sessions.get(name)!.run(toFeeds(inputs));
  const outputs = Object.entries(results).map(([output, { dims, data }]): Tensor => {
    return createTensor(output, 'FP32', dims, data as Float32Array<ArrayBuffer>);
  });
  const message = encodeInferResponse({ model_name: name, model_version: '1', outputs });
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': message.headerLength,
    'content-length': message.body.length,
  };
  response.writeHead(200, headers).end(message.body);
});

server.listen(0, '127.0.0.1', () => console.log(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`));
