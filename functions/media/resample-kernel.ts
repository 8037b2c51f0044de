import {
  add,
  type Code,
  constant,
  get,
  loadI32,
  multiply,
  repeatUntil,
  set,
  simd128,
  writeModule,
} from './web-assembly.ts';

/**
 * The two passes of Pillow's resampler over bytes, as WebAssembly with 128-bit instructions. A weight of 22 bits of fraction
 * is split into its upper part and `lowerBits` below it, each of which fits into 16 bits: sums of products modulo 2^32 are
 * then the same, and two of them are one instruction. All addresses are in bytes; up to 16 bytes (grey columns: 16; colour
 * columns: 4) beyond what is named are read, and up to 15 written.
 */
export interface ResampleKernel {
  /**
   * One row of RGB: `width` pixels to `to`. Per pixel `first` holds the offset (4 bytes) of its first source byte from
   * `from`; `upper` and `lower` hold `taps` weights (2 bytes), a multiple of 4.
   */
  rgbRow(from: number, to: number, width: number, first: number, upper: number, lower: number, taps: number): void;
  /** The same for a row of grey; `taps` is a multiple of 8. */
  greyRow(from: number, to: number, width: number, first: number, upper: number, lower: number, taps: number): void;
  /** `to` gets `bytes` bytes, each the weighted sum of `taps` (an even number) rows, `stride` bytes apart, from `from` on. */
  mixRows(from: number, to: number, bytes: number, stride: number, upper: number, lower: number, taps: number): void;
}

export const precisionBits = 22;
export const lowerBits = 12;
const half = 1 << (precisionBits - 1);
/** The place of a 0 in a swizzle. */
const gone = 128;

const { load, load8x8, splat32, store, store32, store8, splat, zero, shuffle, swizzle, lowBytes, highBytes } = simd128;
const { add32, shiftLeft32, shiftRight32, dot, narrow32, narrow16 } = simd128;

/** Both sums as one number of 0 to 255 in 32 bits, but for the cut at the ends. */
const levels = (upper: Code, lower: Code) => shiftRight32(add32(shiftLeft32(upper, lowerBits), lower), precisionBits);
const bytesOf = (a: Code, b: Code, c: Code, d: Code) => narrow16(narrow32(a, b), narrow32(c, d));
const accumulate = (sum: number, product: Code) => set(sum, add32(get(sum), product));
const advance = (local: number, by: number | Code) =>
  set(local, add(get(local), typeof by === 'number' ? constant(by) : by));

// Parameters of a row, then locals.
const [from, to, width, first, upper, lower, taps] = [0, 1, 2, 3, 4, 5, 6];
const [at, tap, x, high, low, pixels] = [7, 8, 9, 10, 11, 12];

/** Channels of two pixels beside each other: what `dot` multiplies with two weights. */
const pairs = (pixel: number): readonly number[] =>
  [0, 1, 2]
    .flatMap((channel) => [pixel * 3 + channel, gone, pixel * 3 + 3 + channel, gone])
    .concat([gone, gone, gone, gone]);

function rowOf(name: string, advanceBy: number, weigh: Code, write: Code, step: number) {
  const body = [
    set(x, constant(0)),
    repeatUntil(x, get(width), [
      set(at, add(get(from), loadI32(get(first)))),
      set(high, zero()),
      set(low, zero()),
      set(tap, constant(0)),
      repeatUntil(tap, get(taps), [
        weigh,
        advance(at, advanceBy),
        advance(upper, step * 2),
        advance(lower, step * 2),
        advance(tap, step),
      ]),
      write,
      advance(first, 4),
      advance(x, 1),
    ]),
  ];
  return { name, parameters: 7, locals: ['i32', 'i32', 'i32', 'v128', 'v128', 'v128'] as const, body };
}

const rgbRow = rowOf(
  'rgbRow',
  12,
  [
    set(pixels, load(get(at))),
    [0, 2].map((pixel) => {
      const two = swizzle(get(pixels), pairs(pixel));
      return [
        accumulate(high, dot(two, splat32(get(upper), pixel * 2))),
        accumulate(low, dot(two, splat32(get(lower), pixel * 2))),
      ];
    }),
  ],
  [
    set(pixels, levels(get(high), add32(get(low), splat(half)))),
    store32(get(to), bytesOf(get(pixels), get(pixels), get(pixels), get(pixels))),
    advance(to, 3),
  ],
  4,
);

/** The sum of the four numbers, in each of the four places. */
const sumAcross = (sum: number) =>
  [8, 4].map((distance) => {
    const order = Array.from({ length: 16 }, (_, index) => (index + distance) % 16);
    return set(sum, add32(get(sum), shuffle(get(sum), get(sum), order)));
  });

const greyRow = rowOf(
  'greyRow',
  8,
  [
    set(pixels, load8x8(get(at))),
    accumulate(high, dot(get(pixels), load(get(upper)))),
    accumulate(low, dot(get(pixels), load(get(lower)))),
  ],
  [
    sumAcross(high),
    sumAcross(low),
    set(pixels, levels(get(high), add32(get(low), splat(half)))),
    store8(get(to), bytesOf(get(pixels), get(pixels), get(pixels), get(pixels))),
    advance(to, 1),
  ],
  8,
);

const mixRows = (() => {
  const [bytes, stride] = [2, 3];
  const [column, source, row] = [7, 8, 9];
  const [above, below, part, weights, lowWeights] = [10, 11, 12, 13, 14];
  const sums = [15, 16, 17, 18, 19, 20, 21, 22];
  const interleaved = (start: number) => Array.from({ length: 16 }, (_, i) => start + (i >> 1) + (i % 2) * 16);
  const weigh = [0, 1].map((block) => [
    set(part, shuffle(get(above), get(below), interleaved(block * 8))),
    [lowBytes, highBytes].map((widen, index) => {
      const quarter = block * 2 + index;
      return [
        accumulate(sums[quarter]!, dot(widen(get(part)), get(weights))),
        accumulate(sums[quarter + 4]!, dot(widen(get(part)), get(lowWeights))),
      ];
    }),
  ]);
  const quarter = (index: number) => levels(get(sums[index]!), add32(get(sums[index + 4]!), splat(half)));
  const weightsAt = (table: number) => add(get(table), multiply(get(row), constant(2)));
  const body = [
    set(column, constant(0)),
    repeatUntil(column, get(bytes), [
      sums.map((sum) => set(sum, zero())),
      set(source, add(get(from), get(column))),
      set(row, constant(0)),
      repeatUntil(row, get(taps), [
        set(weights, splat32(weightsAt(upper))),
        set(lowWeights, splat32(weightsAt(lower))),
        set(above, load(get(source))),
        set(below, load(add(get(source), get(stride)))),
        weigh,
        advance(source, multiply(get(stride), constant(2))),
        advance(row, 2),
      ]),
      store(add(get(to), get(column)), bytesOf(quarter(0), quarter(1), quarter(2), quarter(3))),
      advance(column, 16),
    ]),
  ];
  const locals = ['i32', 'i32', 'i32', ...new Array<'v128'>(13).fill('v128')] as const;
  return { name: 'mixRows', parameters: 7, locals, body };
})();

let compiled: WebAssembly.Module | undefined;

/** The kernel over `memory`; its code is compiled once. */
export function createResampleKernel(memory: WebAssembly.Memory): ResampleKernel {
  compiled ??= new WebAssembly.Module(writeModule([rgbRow, greyRow, mixRows]));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as ResampleKernel;
}
