import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { gunzipStream, inflateMember, inflateStream, TooLarge } from '../../../functions/archives/inflate.ts';
import { plainPath } from '../../../functions/archives/plain-path.ts';
import { readTar } from '../../../functions/archives/read-tar.ts';
import { tar } from '../../../functions/archives/tar.ts';
import { writeTarHeader } from '../../../functions/archives/tar-header.ts';
import { findZipDirectory, readZipDirectory } from '../../../functions/archives/zip-directory.ts';
import { writeZip } from '../../zip-file.ts';

async function* inChunks(bytes: Uint8Array, size = 100) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(archive: Uint8Array, size?: number): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const member of readTar(inChunks(archive, size))) found.push([member.path, String(await member.read())]);
  return found;
}

/** A member with any type flag, as GNU tar and pax write names that are too long for a header. */
function member(path: string, type: string, data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  const header = writeTarHeader(path, bytes.length);
  header.write(type, 156);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 511)]);
}

const end = Buffer.alloc(1024);

describe('tar', () => {
  test('files come out whatever the chunks; folders, links and devices do not', async () => {
    const archive = Buffer.concat([
      tar([{ path: 'a/' }, { path: 'a/b.txt', data: Buffer.from('one') }], false),
      member('link', '2', ''),
      member('device', '3', ''),
      tar([{ path: `${'d/'.repeat(80)}f`, data: Buffer.alloc(600, 'x') }]),
    ]);
    for (const size of [1, 511, 512, 4096]) {
      const expected = [
        ['a/b.txt', 'one'],
        [`${'d/'.repeat(80)}f`, 'x'.repeat(600)],
      ];
      assert.deepEqual(await readAll(archive, size), expected);
    }
  });

  test('names and sizes that do not fit a header are read as GNU tar and pax write them', async () => {
    const long = `${'n'.repeat(300)}.txt`;
    const record = (text: string) => {
      const length = [1, 2, 3, 4]
        .map((digits) => digits + text.length + 2)
        .find((all) => all === String(all).length + text.length + 2);
      return `${length} ${text}
`;
    };
    const gnu = Buffer.concat([member('././@LongLink', 'L', `${long}\0`), member('short', '0', 'gnu'), end]);
    assert.deepEqual(await readAll(gnu), [[long, 'gnu']]);
    const path = `path=${long}`;
    assert.equal(Number(record(path).split(' ')[0]), Buffer.byteLength(record(path)));
    const pax = Buffer.concat([member('PaxHeader', 'x', record(path)), member('short', '0', 'pax'), end]);
    assert.deepEqual(await readAll(pax), [[long, 'pax']]);
  });

  test('members that are not asked for are passed over, and know where they lie', async () => {
    const archive = tar([
      { path: 'a', data: Buffer.from('first') },
      { path: 'b', data: Buffer.from('second') },
    ]);
    for await (const { start, size, path } of readTar(inChunks(archive))) {
      assert.equal(archive.toString('utf8', start, start + size), path === 'a' ? 'first' : 'second');
    }
  });

  test('what is damaged or cut off is an error, and never endless', async () => {
    const whole = tar([{ path: 'a', data: Buffer.alloc(2000, 'x') }]);
    await assert.rejects(readAll(whole.subarray(0, 1500)), /ends within a/);
    await assert.rejects(readAll(Buffer.alloc(2048, 9)), /header that is none/);
    const changed = Buffer.from(whole);
    changed[3] = 66;
    await assert.rejects(readAll(changed), /wrong checksum/);
    const endless = member('././@LongLink', 'L', Buffer.alloc(100_000, 'n'));
    await assert.rejects(readAll(Buffer.concat([endless, end])), /path that is too long/);
    await assert.rejects(readAll(Buffer.concat([member('x', 'x', '0 path=a\n'), end])), /header that is none/);
    await assert.rejects(
      readAll(Buffer.concat([member('x', 'x', '13 size=-1e9\n'), member('a', '0', ''), end])),
      /none/,
    );
  });
});

async function list(archive: Buffer) {
  const directory = await findZipDirectory(archive.length, async (start, to) => archive.subarray(start, to));
  const bytes = archive.subarray(directory.start, directory.start + directory.size);
  return await Array.fromAsync(readZipDirectory(inChunks(bytes, 7), directory));
}

describe('zip', () => {
  const files = [
    { name: 'a.txt', data: Buffer.from('one') },
    { name: 'é/🐈.txt', data: Buffer.alloc(5000, 'x'), deflate: true },
    { name: 'folder/', data: Buffer.alloc(0) },
    { name: 'secret', data: Buffer.from('x'), flags: 1 },
  ];

  test('the directory lists files with their sizes, method and whether they are encrypted', async () => {
    const members = await list(writeZip(files));
    const seen = members.map(({ path, size, method, encrypted }) => [path, size, method, encrypted]);
    assert.deepEqual(seen, [
      ['a.txt', 3, 0, false],
      ['é/🐈.txt', 5000, 8, false],
      ['secret', 1, 0, true],
    ]);
  });

  test('what is damaged, cut off or no zip at all is an error', async () => {
    const archive = writeZip(files);
    await assert.rejects(list(archive.subarray(0, -30)), /no directory at its end/);
    await assert.rejects(list(Buffer.from('no zip')), /no directory at its end/);
    const [shifted, counted] = [Buffer.from(archive), Buffer.from(archive)];
    shifted.writeUInt32LE(archive.length, shifted.length - 6);
    await assert.rejects(list(shifted), /does not lie in it/);
    counted.writeUInt16LE(9, counted.length - 12);
    await assert.rejects(list(counted), /ends after 4 of 9 entries/);
    const zip64 = Buffer.from(archive);
    zip64.writeUInt16LE(0xffff, zip64.length - 12);
    await assert.rejects(list(zip64), /no zip64 directory/);
  });
});

test('compressed bytes give what the directory says, and a bomb is stopped before it is large', async () => {
  const text = Buffer.from('a text '.repeat(100));
  assert.deepEqual(inflateMember(deflateRawSync(text), text.length), text);
  const bomb = deflateRawSync(Buffer.alloc(20_000_000));
  assert.throws(() => inflateMember(bomb, 20_000_000), TooLarge);
  assert.throws(() => inflateMember(bomb, 100), /more than the 100 bytes/);
  assert.throws(() => inflateMember(deflateRawSync(text), text.length + 1), /fewer bytes come out/);
  assert.throws(() => inflateMember(Buffer.from('garbage'), 10));
  const drain = (chunks: AsyncIterable<Buffer>) => Array.fromAsync(chunks);
  await assert.rejects(drain(inflateStream(inChunks(bomb), 20_000_000)), TooLarge);
  await assert.rejects(drain(gunzipStream(inChunks(gzipSync(Buffer.alloc(5_000_000))), 1e9)), TooLarge);
  await assert.rejects(drain(gunzipStream(inChunks(gzipSync(text)), 100)), /more than 100 bytes/);
  await assert.rejects(drain(gunzipStream(inChunks(gzipSync(text).subarray(0, 20)), 1e9)), { code: 'Z_BUF_ERROR' });
  assert.deepEqual(Buffer.concat(await drain(gunzipStream(inChunks(gzipSync(text), 3), 1e9))), text);
});

test('paths that leave the archive or that no file can have are none', () => {
  for (const path of ['a', 'a/b.c', './a/b', 'a..b/…/x', ' a /b']) {
    assert.equal(plainPath(path), path.replace('./', ''), path);
  }
  const bad = [
    '../a',
    'a/../../b',
    '/etc/passwd',
    'C:\\a',
    'C:/a',
    'a\\..\\b',
    'a\0b',
    'a\nb',
    'a//b',
    '',
    '.',
    'x'.repeat(1025),
  ];
  for (const path of bad) assert.equal(plainPath(path), undefined, path);
});
