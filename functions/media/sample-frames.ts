/** Which frames of a video a model sees. */
export type FrameSampling =
  /** The first `count × rate` frames, every `rate`-th of them: transformers' video-classification pipeline. */
  | { readonly kind: 'first'; readonly count: number; readonly rate: number }
  /** From the first frame to the last. */
  | { readonly kind: 'uniform'; readonly count: number }
  /** From the first frame on, so many a second. */
  | { readonly kind: 'fps'; readonly count: number; readonly fps: number };

/** Numbers of the frames, from 0. Where a video is too short its frames are taken from all of it, some more than once. */
export function sampleFrames(sampling: FrameSampling, video: { frames: number; framesPerSecond: number }): number[] {
  const { count } = sampling;
  const last = video.frames - 1;
  if (sampling.kind === 'first') return spread(Math.min(count * sampling.rate - 1, last), count);
  if (sampling.kind === 'uniform') return spread(last, count);
  const step = video.framesPerSecond / sampling.fps;
  if (!(step > 0) || (count - 1) * step > last) return spread(last, count);
  return Array.from({ length: count }, (_, index) => Math.trunc(index * step));
}

/** NumPy's `linspace(0, last, count, dtype=int64)`. */
function spread(last: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (count === 1 ? 0 : Math.trunc((index * last) / (count - 1))));
}
