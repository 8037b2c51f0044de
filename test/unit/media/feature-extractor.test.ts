import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseFeatureExtractor } from '../../../functions/media/feature-extractor.ts';
import { createFft } from '../../../functions/media/fft.ts';

const tone = (hertz: number, length: number, rateHz = 16_000) =>
  Float32Array.from({ length }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rateHz));

test('a transform of any length is the sum that defines it', () => {
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16, 20, 22, 25, 30, 60, 77, 100, 400, 512]) {
    const input = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + 1));
    const [real, imaginary] = [input.slice(), input.map((value) => value * value)];
    createFft(n)(real, imaginary);
    for (const k of [0, 1, n >> 1, n - 1]) {
      let [sumReal, sumImaginary] = [0, 0];
      input.forEach((value, i) => {
        const angle = (-2 * Math.PI * i * k) / n;
        sumReal += value * Math.cos(angle) - value * value * Math.sin(angle);
        sumImaginary += value * Math.sin(angle) + value * value * Math.cos(angle);
      });
      const at = k % n;
      assert.ok(Math.hypot(real[at]! - sumReal, imaginary[at]! - sumImaginary) < 1e-10, `length ${n}, bin ${k}`);
    }
  }
});

suite('features', () => {
  test('without a kind a model takes the samples, padded or cut to the length of its graph', () => {
    const { extract } = parseFeatureExtractor({ sampling_rate: 8000 }, 4);
    const short = extract(Float32Array.of(1, 2, 3));
    assert.deepEqual([short.shape, [...short.data], short.steps, short.length], [[4], [1, 2, 3, 0], 4, 3]);
    assert.deepEqual([...extract(Float32Array.of(1, 2, 3, 4, 5)).data], [1, 2, 3, 4]);
  });

  test('Wav2Vec2FeatureExtractor makes the mean 0 and the variance 1, of the sound without its padding', () => {
    const { extract } = parseFeatureExtractor({ feature_extractor_type: 'Wav2Vec2FeatureExtractor' }, 6);
    const { data } = extract(Float32Array.of(1, 2, 3, 4));
    const deviation = Math.sqrt(1.25 + 1e-7);
    assert.deepEqual([...data], [...Float32Array.of(-1.5, -0.5, 0.5, 1.5).map((value) => value / deviation), 0, 0]);
  });

  test('Whisper’s spectrogram has 100 frames a second, and the filter of a tone is its loudest', () => {
    const config = { feature_extractor_type: 'WhisperFeatureExtractor', chunk_length: 2 };
    const { shape, data, length } = parseFeatureExtractor(config).extract(tone(1000, 16_000));
    assert.deepEqual([shape, length], [[80, 200], 100]);
    const column = Array.from({ length: 80 }, (_, row) => data[row * 200 + 50]!);
    // 1000 Hz is mel 15 of 45.245 on Slaney's scale: (15 / 45.245) · 81 - 1.
    assert.equal(column.indexOf(Math.max(...column)), 26);
    assert.ok(Math.abs(Math.max(...data) - Math.min(...data) - 2) < 1e-6, 'eight powers of ten, divided by four');
  });

  test('AST’s filter bank is [time, filters], silence included in its normalisation', () => {
    const config = { feature_extractor_type: 'ASTFeatureExtractor', max_length: 20, num_mel_bins: 16 };
    const { shape, data, length } = parseFeatureExtractor(config).extract(tone(1000, 1600));
    assert.deepEqual([shape, length], [[20, 16], 8]);
    assert.equal(data.at(-1), Math.fround(4.2677393 / (2 * 4.5689974)));
  });

  test('a mel spectrogram and its cosine transform follow torchaudio’s words', () => {
    const words = { n_fft: 256, hop_length: 128, n_mels: 32 };
    const mel = parseFeatureExtractor({
      feature_extractor_type: 'MelSpectrogram',
      ...words,
      log_mel: 'dB',
      db_range: 80,
    });
    const mfcc = parseFeatureExtractor({ feature_extractor_type: 'MFCC', n_mfcc: 32, melkwargs: words });
    const [spectrogram, coefficients] = [mel.extract(tone(440, 4000)), mfcc.extract(tone(440, 4000))];
    assert.deepEqual(spectrogram.shape, [32, 32]);
    assert.deepEqual(coefficients.shape, [32, 32]);
    // An orthogonal transform keeps lengths.
    const energy = (data: Float32Array) => data.reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(energy(coefficients.data) / energy(spectrogram.data) - 1) < 1e-5);
    assert.ok(Math.max(...spectrogram.data) - Math.min(...spectrogram.data) <= 80.0001);
  });

  test('a sound that is too short for one frame is the caller’s fault', () => {
    const { extract } = parseFeatureExtractor({ feature_extractor_type: 'MelSpectrogram' });
    assert.throws(() => extract(new Float32Array(100)), { code: 'invalid_request', message: /100 samples .* 201/ });
  });

  test('a file that asks for what is not done here is refused with the reason', () => {
    const refused = (config: object, message: RegExp) =>
      assert.throws(() => parseFeatureExtractor(config), { code: 'model_failed', message });
    refused({ feature_extractor_type: 'ClapFeatureExtractor' }, /is ClapFeatureExtractor; Wav2Vec2FeatureExtractor, /);
    refused({ feature_extractor_type: 'constructor' }, /is constructor/);
    refused({ sampling_rate: 'fast' }, /sampling_rate/);
    refused({ feature_extractor_type: 'MelSpectrogram', n_fft: 256, win_length: 400 }, /win_length is 400/);
    refused({ feature_extractor_type: 'MelSpectrogram', f_min: 9000 }, /f_min is 9000/);
    refused({ feature_extractor_type: 'MFCC', n_mfcc: 200 }, /n_mfcc is 200/);
  });
});
