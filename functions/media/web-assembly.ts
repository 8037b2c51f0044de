/** Writes small WebAssembly modules, instruction by instruction. Source: WebAssembly Core Specification 2.0, chapter 5. */

/** Bytes of code, nested as it was put together. */
export type Code = readonly (number | Code)[];

const i32 = 0x7f;
const v128 = 0x7b;
const empty = 0x40;
const types = { i32, v128 } as const;

export interface WasmFunction {
  readonly name: string;
  /** Parameters, all of them i32; locals that follow are numbered after them. */
  readonly parameters: number;
  readonly locals: readonly (keyof typeof types)[];
  readonly body: Code;
}

/** A module that takes its memory as `env.memory` and exports `functions`, none of which returns a value. */
export function writeModule(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const signatures = functions.map(({ parameters }) => [0x60, vector(new Array<number>(parameters).fill(i32)), 0]);
  const memory = [name('env'), name('memory'), 0x02, 0x00, 1];
  const exported = functions.map((one, index) => [name(one.name), 0x00, unsigned(index)]);
  const bodies = functions.map(({ locals, body }) => {
    const code = [vector(locals.map((type) => [1, types[type]])), body, 0x0b];
    return [unsigned(flatten(code).length), code];
  });
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, signatures),
      section(2, [memory]),
      section(
        3,
        functions.map((_, index) => unsigned(index)),
      ),
      section(7, exported),
      section(10, bodies),
    ]),
  );
}

/** `get(local)` and its like: operands come before the instruction that takes them. */
export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const constant = (value: number): Code => [0x41, signed(value)];
export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const multiply = (a: Code, b: Code): Code => [a, b, 0x6c];
export const loadI32 = (address: Code): Code => [address, 0x28, 2, 0];
/** Repeats `body` until `local`, which it counts up, has reached `end`; it runs at least once. */
export const repeatUntil = (local: number, end: Code, body: Code): Code => [
  [0x03, empty],
  body,
  [get(local), end, 0x48, 0x0d, 0],
  0x0b,
];

const simd = (code: number, ...rest: Code): Code => [0xfd, unsigned(code), rest];
const memory = (offset: number): Code => [0, unsigned(offset)];

/** Instructions over 128 bits. */
export const simd128 = {
  load: (address: Code, offset = 0): Code => [address, simd(0x00, memory(offset))],
  /** 8 bytes as eight numbers of 16 bits. */
  load8x8: (address: Code): Code => [address, simd(0x02, memory(0))],
  /** The 4 bytes at an address, four times. */
  splat32: (address: Code, offset = 0): Code => [address, simd(0x09, memory(offset))],
  store: (address: Code, value: Code, offset = 0): Code => [address, value, simd(0x0b, memory(offset))],
  /** The first 4, or 1, of the bytes of `value`. */
  store32: (address: Code, value: Code): Code => [address, value, simd(0x5a, memory(0), 0)],
  store8: (address: Code, value: Code): Code => [address, value, simd(0x58, memory(0), 0)],
  splat: (value: number): Code => [constant(value), simd(0x11)],
  zero: (): Code => simd128.splat(0),
  /** Bytes of `a` (0 to 15) and `b` (16 to 31) in another order. */
  shuffle: (a: Code, b: Code, order: readonly number[]): Code => [a, b, simd(0x0d, order)],
  /** Bytes of `value` in the order of `places`, a constant; 0 where one is 128. */
  swizzle: (value: Code, places: readonly number[]): Code => [value, simd(0x0c, places), simd(0x0e)],
  lowBytes: (value: Code): Code => [value, simd(0x89)],
  highBytes: (value: Code): Code => [value, simd(0x8a)],
  add32: (a: Code, b: Code): Code => [a, b, simd(0xae)],
  shiftLeft32: (value: Code, bits: number): Code => [value, constant(bits), simd(0xab)],
  shiftRight32: (value: Code, bits: number): Code => [value, constant(bits), simd(0xac)],
  /** Products of 16 bits, added in pairs to four numbers of 32 bits. */
  dot: (a: Code, b: Code): Code => [a, b, simd(0xba)],
  /** Eight numbers of 32 bits, cut off to 16. */
  narrow32: (a: Code, b: Code): Code => [a, b, simd(0x85)],
  /** Sixteen numbers of 16 bits, cut off to 0 … 255. */
  narrow16: (a: Code, b: Code): Code => [a, b, simd(0x66)],
};

function section(id: number, entries: readonly Code[]): Code {
  const content = vector(entries);
  return [id, unsigned(flatten(content).length), content];
}

function vector(entries: readonly (number | Code)[]): Code {
  return [unsigned(entries.length), entries];
}

function name(text: string): Code {
  return vector([...text].map((letter) => letter.charCodeAt(0)));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const last = value >= -0x40 && value < 0x40;
  return last ? [value & 0x7f] : [(value & 0x7f) | 0x80, signed(value >> 7)];
}

function flatten(code: Code): number[] {
  return code.flatMap((part) => (typeof part === 'number' ? [part] : flatten(part)));
}
