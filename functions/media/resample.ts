/** Zero crossings of the sinc on each side, and the pass band's share of the lower Nyquist frequency. */
const filterWidth = 6;
const rolloff = 0.99;

export interface Resampler {
  /** The samples that can be computed now; `piece` may be overwritten afterwards. */
  push(piece: Float32Array): Float32Array;
  /** The last samples. */
  end(): Float32Array;
}

/** Weights of the outputs between two inputs: `phases` filters of `taps` weights that begin `first[phase]` inputs after 0. */
interface Kernel {
  readonly orig: number;
  readonly phases: number;
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
  /** Inputs before and after the sound that are taken for 0. */
  readonly width: number;
}

/**
 * Resamples mono sound that comes in pieces: band-limited interpolation with a sinc under a Hann window, equal to
 * torchaudio.transforms.Resample with its defaults up to the order of additions. (torchaudio.functional.resample computes
 * its weights in single precision and is 1e-5 off that.)
 */
export function createResampler(fromHz: number, toHz: number): Resampler {
  if (fromHz === toHz) return { push: (piece) => piece.slice(), end: () => new Float32Array(0) };
  const kernel = createKernel(fromHz, toHz);
  const { orig, phases, width } = kernel;
  let pending: Float32Array<ArrayBufferLike> = new Float32Array(width);
  let received = 0;
  let given = 0;
  const push = (piece: Float32Array): Float32Array => {
    const input = join(pending, piece);
    const blocks = Math.max(0, Math.floor((input.length - 2 * width) / orig));
    pending = input.slice(blocks * orig);
    return convolve(input, blocks, kernel);
  };
  return {
    push(piece) {
      received += piece.length;
      const output = push(piece);
      given += output.length;
      return output;
    },
    end() {
      // torchaudio rounds this quotient to single precision before it takes the next whole number.
      const length = Math.ceil(Math.fround((phases * received) / orig));
      return push(new Float32Array(width + orig)).subarray(0, Math.max(0, length - given));
    },
  };
}

/** `phases` outputs for each of `blocks` steps of `orig` inputs; `input` begins `width` before the first step. */
function convolve(input: Float32Array, blocks: number, { orig, phases, taps, first, weights }: Kernel): Float32Array {
  const output = new Float32Array(blocks * phases);
  for (let block = 0, to = 0; block < blocks; block++) {
    for (let phase = 0; phase < phases; phase++, to++) {
      const from = block * orig + first[phase]!;
      const start = phase * taps;
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += input[from + tap]! * weights[start + tap]!;
      output[to] = sum;
    }
  }
  return output;
}

/** torchaudio's `_get_sinc_resample_kernel`, without the weights beyond the window, which are 0. */
function createKernel(fromHz: number, toHz: number): Kernel {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const orig = fromHz / divisor;
  const phases = toHz / divisor;
  const base = Math.min(orig, phases) * rolloff;
  const reach = (filterWidth * orig) / base;
  const width = Math.ceil(reach);
  const taps = Math.min(2 * width + 1, 2 * width + orig);
  const first = new Int32Array(phases);
  const weights = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    const center = (phase * orig) / phases;
    // torchaudio divides here in single precision, which at 22,050 to 16,000 Hz is 1e-5 of the result.
    const shift = Math.fround(phase / phases);
    first[phase] = Math.min(Math.ceil(center - reach) + width, 2 * width + orig - taps);
    for (let tap = 0; tap < taps; tap++) {
      const input = first[phase]! + tap - width;
      const t = Math.max(-filterWidth, Math.min(filterWidth, (input / orig - shift) * base));
      const window = Math.cos((t * Math.PI) / filterWidth / 2) ** 2;
      const angle = t * Math.PI;
      weights[phase * taps + tap] = (angle === 0 ? 1 : Math.sin(angle) / angle) * window * (base / orig);
    }
  }
  return { orig, phases, taps, first, weights, width };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function join(a: Float32Array, b: Float32Array): Float32Array {
  const joined = new Float32Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
