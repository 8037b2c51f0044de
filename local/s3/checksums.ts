import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** The algorithms of `x-amz-checksum-*` that Node can compute, or that are a table and a loop. */
const algorithms = {
  crc32: () => createCrc32(),
  crc32c: () => createTableCrc32(crc32cTable()),
  crc64nvme: () => createCrc64(),
  sha1: () => createHash('sha1'),
  sha256: () => createHash('sha256'),
  sha512: () => createHash('sha512'),
  md5: () => createHash('md5'),
};

export type ChecksumAlgorithm = keyof typeof algorithms;

export interface ChecksumState {
  update(chunk: Uint8Array): unknown;
  /** Big-endian bytes, as they stand base64-encoded in the header. */
  digest(): Buffer;
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(algorithms, name);
}

export function createChecksum(algorithm: ChecksumAlgorithm): ChecksumState {
  return algorithms[algorithm]();
}

function createCrc32(): ChecksumState {
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    digest: () => uint32(value),
  };
}

function createTableCrc32(table: Uint32Array): ChecksumState {
  let value = 0xffffffff;
  return {
    update: (chunk) => {
      for (let i = 0; i < chunk.length; i++) value = table[(value ^ chunk[i]!) & 0xff]! ^ (value >>> 8);
    },
    digest: () => uint32(~value >>> 0),
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** CRC-32C (Castagnoli), RFC 3720 appendix B.4: reflected polynomial 0x82f63b78. */
function crc32cTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value >>> 0;
  });
}

/** CRC-64/NVME: reflected polynomial 0x9a6c9329ac4bc9b5, in two 32-bit halves because BigInt is a hundred times slower. */
function createCrc64(): ChecksumState {
  const [highTable, lowTable] = crc64Tables();
  let high = 0xffffffff;
  let low = 0xffffffff;
  return {
    update: (chunk) => {
      for (let i = 0; i < chunk.length; i++) {
        const index = (low ^ chunk[i]!) & 0xff;
        low = lowTable[index]! ^ ((low >>> 8) | (high << 24));
        high = highTable[index]! ^ (high >>> 8);
      }
    },
    digest: () => Buffer.concat([uint32(~high >>> 0), uint32(~low >>> 0)]),
  };
}

function crc64Tables(): [Uint32Array, Uint32Array] {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return [high, low];
}
