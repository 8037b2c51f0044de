import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CallsProxy {
  readonly url: string;
  close(): void;
}

/**
 * Passes calls to AWS stand-ins on to `target`. `onAnswered` is told of each call that was carried out before its caller
 * gets the answer; when it says false the answer is kept back.
 */
export async function startCallsProxy(target: string, onAnswered: () => boolean): Promise<CallsProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const forwarded = send({ hostname, port, method, path, headers: { ...headers, host: `127.0.0.1:${port}` } });
    forwarded.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        if (onAnswered()) outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(chunks));
      });
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
