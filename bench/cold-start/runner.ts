import { Writable } from 'node:stream';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { installLambdaRuntime, type StreamingHandler } from '../../local/gateway/gateway.ts';

/** A Lambda execution environment's first moments: import a function, answer one GET, say so on stdout. */
const [handlerUrl, path] = process.argv.slice(2) as [string, string];

class Response extends Writable {
  statusCode = 0;
  body = '';
  writeHead(statusCode: number): this {
    this.statusCode = statusCode;
    return this;
  }
  setHeader(): this {
    return this;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.body += chunk;
    done();
  }
}

const event = {
  resource: '/{proxy+}',
  path,
  httpMethod: 'GET',
  headers: {},
  multiValueHeaders: {},
  queryStringParameters: {},
  multiValueQueryStringParameters: {},
  pathParameters: { proxy: path.slice(1) },
  requestContext: { requestId: 'first' },
  body: null,
  isBase64Encoded: false,
} as unknown as APIGatewayProxyEvent;

installLambdaRuntime();
const { handler } = (await import(handlerUrl)) as { handler: StreamingHandler };
const response = new Response();
const context = { awsRequestId: 'first', functionName: 'api', getRemainingTimeInMillis: () => 120_000 };
await handler(event, response as never, context as Context);
process.stdout.write(`\nanswer ${response.statusCode} ${response.body}\n`, () => process.exit(0));
