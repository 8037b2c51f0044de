import { parseFeatureExtractor } from '../../functions/media/feature-extractor.ts';
import { random } from '../random.ts';
import { type Goal, goal } from '../report.ts';
import { contest, here } from './contest.ts';
import type { TransformersJs } from './transformers-js.ts';

const sampleRateHz = 16_000;
const seconds = 30;

/** Whisper's log-mel spectrogram of 30 s. */
export async function sounds(
  rounds: number,
  peer: TransformersJs | undefined,
): Promise<{ goals: Goal[]; text: string }> {
  const next = random(3);
  const samples = Float32Array.from({ length: seconds * sampleRateHz }, (_, index) => {
    const tone = Math.sin((2 * Math.PI * (200 + (index % 40_000) / 50) * index) / sampleRateHz);
    return tone * 0.4 + (next() - 0.5) * 0.1;
  });
  const extractor = parseFeatureExtractor({ feature_extractor_type: 'WhisperFeatureExtractor' });
  const own = () => extractor.extract(samples).data;
  const theirs = peer && whisperOf(peer);
  const off = theirs ? distance(own(), await theirs(samples)) : Number.NaN;
  if (off > 1e-3) throw new Error(`log-mel: ${off} off transformers.js`);
  const name = `transformers.js ${peer?.env.version}`;
  const { milliseconds, table } = await contest(
    [here('Lambent', own), ...(theirs ? [here(name, () => theirs(samples))] : [])],
    { rounds, calls: 2 },
  );
  const ratio = milliseconds.get(name)! / milliseconds.get('Lambent')!;
  return {
    goals: theirs ? [goal('Whisper log-mel of 30 s: times as fast as transformers.js', { least: 3 }, ratio, '×')] : [],
    text: `Whisper's log-mel spectrogram, 80×3000, of 30 s.${theirs ? ` The largest difference is ${off.toExponential(1)}.` : ''}\n\n${table}`,
  };
}

function whisperOf({ WhisperFeatureExtractor }: TransformersJs): (samples: Float32Array) => Promise<Float32Array> {
  const extractor = new WhisperFeatureExtractor({
    feature_extractor_type: 'WhisperFeatureExtractor',
    ...{ feature_size: 80, sampling_rate: sampleRateHz, hop_length: 160, chunk_length: 30, n_fft: 400 },
    ...{ n_samples: 480_000, nb_max_frames: 3000, padding_side: 'right', padding_value: 0 },
  });
  return async (samples) => (await extractor(samples)).input_features.data;
}

function distance(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  return one.reduce((most, value, index) => Math.max(most, Math.abs(value - other[index]!)), 0);
}
