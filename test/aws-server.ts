import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `'reset'` cuts the connection, `'cut'` does so within the body of a 200, `'silence'` never answers. */
export type AwsAnswer =
  | 'reset'
  | 'cut'
  | 'silence'
  | { status: number; headers?: Record<string, string>; body?: string | Uint8Array | object };

export interface AwsServer {
  /** What has been asked since the last `answer`. */
  readonly requests: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
  /** The answers to the next requests, in order; the last one is repeated. */
  answer(...answers: AwsAnswer[]): void;
  close(): void;
}

/**
 * A server on 127.0.0.1 that answers as AWS does, with the statuses and bodies that a test gives. `service` is the one
 * whose client made from now on speaks to it, as in AWS_ENDPOINT_URL_<service>.
 */
export async function startAwsServer(service: 'LAMBDA' | 'SAGEMAKER_RUNTIME' | 'S3'): Promise<AwsServer> {
  const requests: AwsServer['requests'] = [];
  let answers: AwsAnswer[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks) });
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer === 'reset') request.socket.destroy();
    if (answer === 'cut')
      response.writeHead(200, { 'content-length': 100 }).write('half', () => request.socket.destroy());
    if (typeof answer === 'string') return;
    const { status, headers, body = '' } = answer;
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    response.writeHead(status, headers).end(raw ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, {
    [`AWS_ENDPOINT_URL_${service}`]: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  return {
    requests,
    answer(...next) {
      requests.length = 0;
      answers = next;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** An error in the form of AWS's REST JSON protocol. */
export function awsError(status: number, name: string, fields: object = {}): AwsAnswer {
  return { status, headers: { 'x-amzn-errortype': name, 'content-type': 'application/json' }, body: fields };
}
