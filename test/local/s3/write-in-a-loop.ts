/** The process that durability.test.ts kills, or lets meet a limit: S3 on the folder given, and a writer to it. */
import { request } from 'node:http';
import { startS3 } from '../../../local/s3/s3.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const s3 = await startS3({ directory, buckets: ['data'] });

function put(key: string, body: Buffer, generation = 0): Promise<string> {
  const headers = { 'content-length': body.length, 'x-amz-meta-generation': generation };
  return new Promise((resolve, reject) => {
    const sent = request(`${s3.url}/data/${key}`, { method: 'PUT', headers }, async (response) => {
      const text = String(Buffer.concat(await response.toArray()));
      resolve(`${response.statusCode} ${/<Code>(\w+)</.exec(text)?.[1] ?? ''}`.trim());
    });
    sent.on('error', reject).end(body);
  });
}

async function writeForever(key: string): Promise<void> {
  for (let count = 0; ; count++) {
    const generation = Number(round) * 1_000_000 + count;
    const body = Buffer.alloc(1 + ((count * 7919) % 200_000), `${generation};`);
    if ((await put(key, body, generation)) === '200') process.stdout.write(`${key} ${generation}\n`);
  }
}

if (round === 'large') {
  console.log(await put('before', Buffer.alloc(10, 'x')));
  console.log(await put('large', Buffer.alloc(100_000, 'x')));
  console.log(await put('after', Buffer.alloc(10, 'x')));
  await s3.close();
} else await Promise.all(['a', 'a/b', 'c'].map(writeForever));
