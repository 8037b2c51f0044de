/** Discrete Fourier transform, forward and unscaled, of `n` complex numbers: the two arrays are overwritten. */
export type Fft = (real: Float64Array, imaginary: Float64Array) => void;

interface Numbers {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * Prepares a transform of length `n`, any whole number from 1: Stockham's autosort algorithm over the prime factors of n,
 * 4 taken at once. 4 and 5, of which the usual 400 and 512 consist, are written out; large primes cost more.
 */
export function createFft(n: number): Fft {
  const factors = factorize(n);
  const cosines = Float64Array.from({ length: n }, (_, i) => Math.cos((-2 * Math.PI * i) / n));
  const sines = Float64Array.from({ length: n }, (_, i) => Math.sin((-2 * Math.PI * i) / n));
  const roots = { real: cosines, imaginary: sines };
  const spare = { real: new Float64Array(n), imaginary: new Float64Array(n) };
  return (real, imaginary) => {
    let from: Numbers = { real, imaginary };
    let to: Numbers = spare;
    let done = 1;
    for (const radix of factors) {
      if (radix === 4) pass4(from, to, roots, n, done);
      else if (radix === 5) pass5(from, to, roots, n, done);
      else passAny(from, to, roots, n, done, radix);
      [from, to] = [to, from];
      done *= radix;
    }
    if (from.real === real) return;
    real.set(from.real);
    imaginary.set(from.imaginary);
  };
}

function factorize(n: number): number[] {
  const factors: number[] = [];
  let rest = n;
  for (const radix of [4, 2]) for (; rest % radix === 0; rest /= radix) factors.push(radix);
  for (let radix = 3; rest > 1; radix += 2) for (; rest % radix === 0; rest /= radix) factors.push(radix);
  return factors;
}

/**
 * One pass joins `radix` transforms of length `done` each: output frequency j + done·s of sub-sequence k is the sum over q
 * of root^(j·q·m) · root^(s·q·n/radix) · input j of sub-sequence k + q·m, where m is the number of sub-sequences left.
 */
function pass4(from: Numbers, to: Numbers, roots: Numbers, n: number, done: number): void {
  const m = n / done / 4;
  const { real: xr, imaginary: xi } = from;
  const { real: yr, imaginary: yi } = to;
  for (let j = 0; j < done; j++) {
    const w1r = roots.real[j * m]!;
    const w1i = roots.imaginary[j * m]!;
    const w2r = roots.real[2 * j * m]!;
    const w2i = roots.imaginary[2 * j * m]!;
    const w3r = roots.real[3 * j * m]!;
    const w3i = roots.imaginary[3 * j * m]!;
    for (let k = 0, p = j * 4 * m, o = j * m; k < m; k++, p++, o++) {
      const ar = xr[p]!;
      const ai = xi[p]!;
      const br = xr[p + m]! * w1r - xi[p + m]! * w1i;
      const bi = xr[p + m]! * w1i + xi[p + m]! * w1r;
      const cr = xr[p + 2 * m]! * w2r - xi[p + 2 * m]! * w2i;
      const ci = xr[p + 2 * m]! * w2i + xi[p + 2 * m]! * w2r;
      const dr = xr[p + 3 * m]! * w3r - xi[p + 3 * m]! * w3i;
      const di = xr[p + 3 * m]! * w3i + xi[p + 3 * m]! * w3r;
      const step = done * m;
      yr[o] = ar + cr + (br + dr);
      yi[o] = ai + ci + (bi + di);
      yr[o + step] = ar - cr + (bi - di);
      yi[o + step] = ai - ci - (br - dr);
      yr[o + 2 * step] = ar + cr - (br + dr);
      yi[o + 2 * step] = ai + ci - (bi + di);
      yr[o + 3 * step] = ar - cr - (bi - di);
      yi[o + 3 * step] = ai - ci + (br - dr);
    }
  }
}

const cosine72 = Math.cos((2 * Math.PI) / 5);
const cosine144 = Math.cos((4 * Math.PI) / 5);
const sine72 = Math.sin((2 * Math.PI) / 5);
const sine144 = Math.sin((4 * Math.PI) / 5);

function pass5(from: Numbers, to: Numbers, roots: Numbers, n: number, done: number): void {
  const m = n / done / 5;
  const step = done * m;
  const { real: xr, imaginary: xi } = from;
  const { real: yr, imaginary: yi } = to;
  const { real: wr, imaginary: wi } = roots;
  for (let j = 0; j < done; j++) {
    const w1 = j * m;
    const w2 = 2 * w1;
    const w3 = 3 * w1;
    const w4 = 4 * w1;
    for (let k = 0, p = j * 5 * m, o = j * m; k < m; k++, p++, o++) {
      const ar = xr[p]!;
      const ai = xi[p]!;
      const br = xr[p + m]! * wr[w1]! - xi[p + m]! * wi[w1]!;
      const bi = xr[p + m]! * wi[w1]! + xi[p + m]! * wr[w1]!;
      const cr = xr[p + 2 * m]! * wr[w2]! - xi[p + 2 * m]! * wi[w2]!;
      const ci = xr[p + 2 * m]! * wi[w2]! + xi[p + 2 * m]! * wr[w2]!;
      const dr = xr[p + 3 * m]! * wr[w3]! - xi[p + 3 * m]! * wi[w3]!;
      const di = xr[p + 3 * m]! * wi[w3]! + xi[p + 3 * m]! * wr[w3]!;
      const er = xr[p + 4 * m]! * wr[w4]! - xi[p + 4 * m]! * wi[w4]!;
      const ei = xr[p + 4 * m]! * wi[w4]! + xi[p + 4 * m]! * wr[w4]!;
      // Inputs 1 and 4, 2 and 3 meet conjugate roots: their sums take the cosines, their differences the sines.
      const evenR = ar + cosine72 * (br + er) + cosine144 * (cr + dr);
      const evenI = ai + cosine72 * (bi + ei) + cosine144 * (ci + di);
      const oddR = sine72 * (bi - ei) + sine144 * (ci - di);
      const oddI = -sine72 * (br - er) - sine144 * (cr - dr);
      const even2R = ar + cosine144 * (br + er) + cosine72 * (cr + dr);
      const even2I = ai + cosine144 * (bi + ei) + cosine72 * (ci + di);
      const odd2R = sine144 * (bi - ei) - sine72 * (ci - di);
      const odd2I = -sine144 * (br - er) + sine72 * (cr - dr);
      yr[o] = ar + br + cr + dr + er;
      yi[o] = ai + bi + ci + di + ei;
      yr[o + step] = evenR + oddR;
      yi[o + step] = evenI + oddI;
      yr[o + 2 * step] = even2R + odd2R;
      yi[o + 2 * step] = even2I + odd2I;
      yr[o + 3 * step] = even2R - odd2R;
      yi[o + 3 * step] = even2I - odd2I;
      yr[o + 4 * step] = evenR - oddR;
      yi[o + 4 * step] = evenI - oddI;
    }
  }
}

function passAny(from: Numbers, to: Numbers, roots: Numbers, n: number, done: number, radix: number): void {
  const m = n / done / radix;
  const { real: xr, imaginary: xi } = from;
  const { real: yr, imaginary: yi } = to;
  for (let j = 0; j < done; j++) {
    for (let s = 0; s < radix; s++) {
      // root^(j·q·m + s·q·n/radix), q = 0, 1, …
      const turn = j * m + (s * n) / radix;
      for (let k = 0; k < m; k++) {
        let sumReal = 0;
        let sumImaginary = 0;
        for (let q = 0, w = 0, p = j * radix * m + k; q < radix; q++, p += m) {
          sumReal += xr[p]! * roots.real[w]! - xi[p]! * roots.imaginary[w]!;
          sumImaginary += xr[p]! * roots.imaginary[w]! + xi[p]! * roots.real[w]!;
          w += turn;
          if (w >= n) w -= n;
        }
        yr[(j + done * s) * m + k] = sumReal;
        yi[(j + done * s) * m + k] = sumImaginary;
      }
    }
  }
}
