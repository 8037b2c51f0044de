import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import OpenAI, { APIError, BadRequestError, NotFoundError, toFile } from 'openai';
import { connectServices } from '../flow/connect-services.ts';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';

let platform: RunningPlatform;
let temporary: Awaited<ReturnType<typeof temporaryState>>;
let client: OpenAI;
let stranger: OpenAI;
before(async () => {
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state);
  const options = { baseURL: `${platform.url}/v1`, maxRetries: 0 };
  client = new OpenAI({ ...options, apiKey: platform.secret });
  const { secret } = await connectServices(platform.state).services.createApiKey('stranger');
  stranger = new OpenAI({ ...options, apiKey: secret });
});
after(async () => {
  await platform.end();
  await temporary.remove();
});

const keep = async (name: string, content: string | Buffer, purpose: OpenAI.FilePurpose = 'batch') =>
  await client.files.create({ file: await toFile(Buffer.from(content), name), purpose });
const read = async (id: string, reader = client) => Buffer.from(await (await reader.files.content(id)).arrayBuffer());
const is = (Kind: new (...parameters: never[]) => Error, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Kind, String(error));
  assert.match(error.message, message);
  return true;
};

test('a file is kept, told, read byte by byte and removed', async () => {
  const content = randomBytes(3_000_000);
  const file = await keep('größe 😀.jsonl', content);
  assert.match(file.id, /^file-[0-9a-f]{32}$/);
  assert.deepEqual(
    [file.object, file.bytes, file.filename, file.purpose, file.status],
    ['file', content.length, 'größe 😀.jsonl', 'batch', 'processed'],
  );
  assert.deepEqual(await client.files.retrieve(file.id), file);
  assert.deepEqual(await read(file.id), content);
  assert.deepEqual(await client.files.delete(file.id), { id: file.id, object: 'file', deleted: true });
  await assert.rejects(client.files.retrieve(file.id), is(NotFoundError, /no file/));
  await assert.rejects(client.files.delete(file.id), is(NotFoundError, /no file/));
  const empty = await keep('empty', '');
  assert.deepEqual(await read(empty.id), Buffer.alloc(0));
});

test('files are listed page by page, in both orders and by purpose, and only to the key that keeps them', async () => {
  for await (const { id } of client.files.list()) await client.files.delete(id);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await keep(`${i}`, `${i}`, i % 2 === 0 ? 'batch' : 'user_data')).id);
  const list = async (query: OpenAI.FileListParams) => {
    const found: string[] = [];
    for await (const { id } of client.files.list(query)) found.push(id);
    return found;
  };
  assert.deepEqual(await list({ order: 'asc', limit: 2 }), ids);
  assert.deepEqual(await list({ limit: 2 }), ids.toReversed());
  assert.deepEqual(await list({ purpose: 'user_data', order: 'asc', limit: 1 }), [ids[1], ids[3]]);
  const first = await client.files.list({ limit: 5 });
  assert.equal(first.has_more, false);
  assert.deepEqual((await stranger.files.list()).data, []);
  await assert.rejects(read(ids[0]!, stranger), is(NotFoundError, /no file/));
  await assert.rejects(stranger.files.delete(ids[0]!), is(NotFoundError, /no file/));
});

test('a file that expires says when; what is no purpose, no time or no file is refused', async () => {
  const file = await toFile(Buffer.from('x'), 'x');
  const purpose = 'batch';
  const made = await client.files.create({ file, purpose, expires_after: { anchor: 'created_at', seconds: 3600 } });
  assert.equal(made.expires_at, made.created_at + 3600);
  assert.deepEqual(await read(made.id), Buffer.from('x'));
  const short = { anchor: 'created_at', seconds: 60 } as const;
  await assert.rejects(client.files.create({ file, purpose, expires_after: short }), is(BadRequestError, /3600/));
  await assert.rejects(
    client.files.create({ file, purpose: 'fun' as 'batch' }),
    is(BadRequestError, /one of assistants/),
  );
  await assert.rejects(read('file-../../models'), is(NotFoundError, /no file/));
});

test('what is too large for one request is refused with the way that is left, also as a part of an upload', async () => {
  const advice = is(APIError, /^413 .*\/v1\/uploads in parts of 4 MiB.*part_size=4 \* 2\*\*20.*put it to the url/s);
  for (const bytes of [6e6, 12e6]) {
    const file = await toFile(Buffer.alloc(bytes), 'x');
    await assert.rejects(client.files.create({ file, purpose: 'batch' }), advice);
    const upload = await client.uploads.create({ filename: 'x', bytes, mime_type: 'a/b', purpose: 'batch' });
    await assert.rejects(client.uploads.parts.create(upload.id, { data: file }), advice);
  }
});

test('a large file comes in parts, and is the same when it is completed twice', async () => {
  const pieces = [randomBytes(4_000_000), randomBytes(4_000_000), randomBytes(1_234_567)];
  const content = Buffer.concat(pieces);
  const asked = { filename: 'large.bin', purpose: 'user_data', mime_type: 'application/octet-stream' } as const;
  const upload = await client.uploads.create({ ...asked, bytes: content.length });
  assert.deepEqual([upload.object, upload.status, upload.file], ['upload', 'pending', null]);
  const ids: string[] = [];
  for (const piece of [pieces[2]!, pieces[0]!, pieces[1]!]) {
    ids.push((await client.uploads.parts.create(upload.id, { data: await toFile(piece, 'part') })).id);
  }
  const part_ids = [ids[1]!, ids[2]!, ids[0]!];
  const md5 = createHash('md5').update(content).digest('hex');
  await assert.rejects(
    client.uploads.complete(upload.id, { part_ids: ids.slice(1) }),
    is(BadRequestError, /8000000 bytes|announced/),
  );
  await assert.rejects(client.uploads.complete(upload.id, { part_ids: ids, md5 }), is(BadRequestError, /md5/));
  await assert.rejects(
    client.uploads.complete(upload.id, { part_ids: [...part_ids, 'part_x'] }),
    is(NotFoundError, /no part/),
  );
  const many = new Array<string>(10_000).fill('part_x');
  await assert.rejects(client.uploads.complete(upload.id, { part_ids: many }), is(NotFoundError, /no part/));
  const done = await client.uploads.complete(upload.id, { part_ids, md5 });
  assert.deepEqual([done.status, done.file?.bytes, done.file?.filename], ['completed', content.length, 'large.bin']);
  assert.deepEqual(await read(done.file!.id), content);
  assert.deepEqual(await client.uploads.complete(upload.id, { part_ids, md5 }), done);
  await assert.rejects(
    client.uploads.parts.create(upload.id, { data: await toFile(pieces[2]!, 'part') }),
    is(BadRequestError, /completed/),
  );
  await assert.rejects(client.uploads.cancel(upload.id), is(BadRequestError, /completed/));
});

test('a file of more than 32 MB is put past the API, and read there by a redirection', async () => {
  const content = Buffer.alloc(40_000_000, 'lambent ');
  const asked = { filename: 'huge.jsonl', purpose: 'batch', mime_type: 'application/jsonl' } as const;
  const upload = (await client.uploads.create({ ...asked, bytes: content.length })) as OpenAI.Upload & { url: string };
  await assert.rejects(client.uploads.complete(upload.id, { part_ids: [] }), is(BadRequestError, /no content/));
  assert.equal((await fetch(upload.url, { method: 'PUT', body: content })).status, 200);
  const { file } = await client.uploads.complete(upload.id, { part_ids: [] });
  assert.ok(content.equals(await read(file!.id)));
  const cancelled = await client.uploads.cancel((await client.uploads.create({ ...asked, bytes: 1 })).id);
  assert.equal(cancelled.status, 'cancelled');
  await assert.rejects(client.uploads.complete(cancelled.id, { part_ids: [] }), is(BadRequestError, /cancelled/));
});
