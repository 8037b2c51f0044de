/** The process that durability.test.ts kills, or lets meet a limit: S3 on the folder given, and a writer to it. */
import { Agent, request } from 'node:http';
import { startS3 } from '../../../local/s3/s3.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const s3 = await startS3({ directory, buckets: ['data'] });

/** One connection, as the SDK keeps: a request waits where the one before it was not read to its end. */
const oneConnection = new Agent({ keepAlive: true, maxSockets: 1 });

function put(key: string, body: Buffer, more: Record<string, string | number>): Promise<string> {
  const headers = { 'content-length': body.length, ...more };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${s3.url}/data/${key}`,
      { method: 'PUT', headers, agent: round === 'large' ? oneConnection : undefined },
      async (response) => {
        const text = String(Buffer.concat(await response.toArray()));
        resolve(`${response.statusCode} ${/<Code>(\w+)</.exec(text)?.[1] ?? ''}`.trim());
      },
    );
    sent.on('error', reject).end(body);
  });
}

async function writeForever(key: string): Promise<void> {
  for (let count = 0; ; count++) {
    const generation = Number(round) * 1_000_000 + count;
    const body = Buffer.alloc(1 + ((count * 7919) % 200_000), `${generation};`);
    if ((await put(key, body, { 'x-amz-meta-generation': generation })) === '200')
      process.stdout.write(`${key} ${generation}\n`);
  }
}

if (round === 'large') {
  const large = Buffer.alloc(3_000_000, 'x');
  const chunk = Buffer.concat([Buffer.from(`${large.length.toString(16)}\r\n`), large, Buffer.from('\r\n0\r\n\r\n')]);
  const chunked = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': large.length };
  console.log(await put('before', Buffer.alloc(10, 'x'), {}));
  console.log(await put('large', large, {}));
  console.log(await put('between', Buffer.alloc(10, 'x'), {}));
  console.log(await put('large', chunk, chunked));
  console.log(await put('after', Buffer.alloc(10, 'x'), {}));
  oneConnection.destroy();
  await s3.close();
} else await Promise.all(['a', 'a/b', 'c'].map(writeForever));
