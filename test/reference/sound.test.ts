import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { createModelHost } from '../../functions/host/create-model-host.ts';
import { decodeAudio } from '../../functions/media/audio.ts';
import { parseFeatureExtractor } from '../../functions/media/feature-extractor.ts';
import { createFft } from '../../functions/media/fft.ts';
import { createMelFilters } from '../../functions/media/mel-filters.ts';
import { type Model, modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { type Infer, runTask } from '../../functions/tasks/task.ts';

const data = new URL('../../../shared/data/', import.meta.url);
const skip = existsSync(new URL('preprocessing/', data)) ? false : '../shared/data/preprocessing is not here';
const read = (path: string) => new Uint8Array(readFileSync(new URL(path, data)));

interface AudioCase {
  file: string;
  sample_rate: number;
  mono16k: { frames: number; rms: number; index: number[]; value: number[] };
  whisper_logmel80: {
    shape: number[];
    mean: number;
    min: number;
    max: number;
    first10cols: number[][];
    col500: number[];
  };
}

suite('sounds as libsndfile and Whisper read them', { skip }, () => {
  const { cases } = skip
    ? { cases: [] }
    : (JSON.parse(readFileSync(new URL('preprocessing/audio-cases.json', data), 'utf8')) as { cases: AudioCase[] });
  const whisper = parseFeatureExtractor({ feature_extractor_type: 'WhisperFeatureExtractor' });

  for (const { file, sample_rate, mono16k, whisper_logmel80: logMel } of cases) {
    test(`${file} is decoded to the reference samples`, async () => {
      const samples = await decodeAudio(read(`preprocessing/${file}`), 16_000);
      assert.equal(samples.length, mono16k.frames);
      const rms = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
      // The reference resamples by a Kaiser window, we as torchaudio: the edge of the pass band differs.
      assert.ok(Math.abs(rms - mono16k.rms) < (sample_rate === 16_000 ? 1e-6 : 0.01 * mono16k.rms), `rms ${rms}`);
      if (sample_rate !== 16_000) return;
      for (const [i, index] of mono16k.index.entries()) {
        assert.ok(Math.abs(samples[index]! - mono16k.value[i]!) <= 1e-5, `sample ${index}`);
      }
    });

    // Of other rates the reference's spectrogram is that of its own resampling.
    if (sample_rate !== 16_000) continue;
    test(`${file} becomes Whisper's log-mel spectrogram`, async () => {
      const { shape, data: features } = whisper.extract(await decodeAudio(read(`preprocessing/${file}`), 16_000));
      assert.deepEqual(shape, logMel.shape);
      const near = (value: number, expected: number, what: string) =>
        // The reference is written with five decimals.
        assert.ok(Math.abs(value - expected) <= 6e-6, `${what}: ${value}, ${expected}`);
      logMel.first10cols.forEach((row, filter) => {
        for (const [frame, expected] of row.entries())
          near(features[filter * 3000 + frame]!, expected, `${filter}, ${frame}`);
      });
      for (const [filter, expected] of logMel.col500.entries())
        near(features[filter * 3000 + 500]!, expected, `${filter}, 500`);
      near(features.reduce((sum, value) => sum + value, 0) / features.length, logMel.mean, 'mean');
    });
  }
});

test('transforms of 32 lengths and kinds equal NumPy’s', { skip }, () => {
  const cases = Object.entries(
    JSON.parse(readFileSync(new URL('preprocessing/fft-cases.json', data), 'utf8')) as Record<
      string,
      { complex: boolean; input: number[]; output: number[] }
    >,
  );
  assert.equal(cases.length, 32);
  for (const [name, { complex, input, output }] of cases) {
    const n = complex ? input.length / 2 : input.length;
    const real = Float64Array.from({ length: n }, (_, i) => input[complex ? 2 * i : i]!);
    const imaginary = Float64Array.from({ length: n }, (_, i) => (complex ? input[2 * i + 1]! : 0));
    createFft(n)(real, imaginary);
    for (let i = 0; i < n; i++) {
      assert.ok(Math.hypot(real[i]! - output[2 * i]!, imaginary[i]! - output[2 * i + 1]!) < 1e-12, `${name}, ${i}`);
    }
  }
});

test('mel filters equal those that Whisper ships', { skip }, () => {
  for (const filters of [80, 128]) {
    const expected = readNpz('preprocessing/whisper-mel-filters.npz', `mel_${filters}`);
    const ours = createMelFilters({
      bins: 201,
      filters,
      minFrequencyHz: 0,
      maxFrequencyHz: 8000,
      sampleRateHz: 16_000,
      scale: 'slaney',
      norm: 'slaney',
    });
    ours.forEach(({ first, weights }, row) => {
      for (let bin = 0; bin < 201; bin++) {
        assert.ok(
          Math.abs((weights[bin - first] ?? 0) - expected[row * 201 + bin]!) < 1e-8,
          `${filters}: ${row}, ${bin}`,
        );
      }
    });
  }
});

/** One float32 array of an .npz file: a ZIP archive of NPY files. */
function readNpz(path: string, name: string): Float32Array {
  const zip = Buffer.from(read(path));
  const start = zip.indexOf(`${name}.npy`) - 30;
  const [method, compressed] = [zip.readUInt16LE(start + 8), zip.readUInt32LE(start + 18)];
  const body = start + 30 + zip.readUInt16LE(start + 26) + zip.readUInt16LE(start + 28);
  // A size of 2^32 - 1 stands in a ZIP64 field; the deflated stream ends by itself.
  const packed = zip.subarray(body, compressed === 0xffff_ffff ? undefined : body + compressed);
  const npy = method === 0 ? packed : inflateRawSync(packed);
  const values = npy.subarray(10 + npy.readUInt16LE(8));
  return new Float32Array(new Uint8Array(values).buffer, 0, Math.floor(values.length / 4));
}

suite('Silero, a recurrent voice activity model, with a model.json alone', { skip }, () => {
  const host = createModelHost({ cacheBytes: 10_000_000 });
  after(() => host.close());

  test('speech probabilities of en_num.wav are those of ONNX Runtime in Python', async () => {
    const graph = read('models/silero-vad/silero_vad.onnx');
    const load = async () => ({ graph, externalData: [] });
    const source = { id: 'silero', bytes: graph.length, maxBatchSize: 0, load };
    const deadline = Date.now() + 60_000;
    const manifest = modelManifestSchema.parse({
      name: 'silero-vad',
      version: '1',
      task: 'audio-classification',
      model: 'silero_vad.onnx',
      labels: ['speech'],
      preprocessing: {
        sampling_rate: 16_000,
        constants: { sr: 16_000 },
        recurrent: { chunk_samples: 512, context_samples: 64, state: { state: 'stateN' } },
        function_to_apply: 'none',
      },
      files: {},
    });
    const model: Model = { manifest, ...(await host.describe(source, deadline)), assets: {} };
    const infer: Infer = async (request) => {
      const { outputs } = await host.infer(source, request, deadline);
      return { model_name: 'silero-vad', model_version: '1', outputs };
    };
    const task = tasks['audio-classification'];
    const input = task.input.parse({ inputs: read('models/silero-vad/en_num.wav') });
    const scores = (await runTask(task, input, model, infer)) as {
      label: string;
      score: number;
      timestamp: number[];
    }[];

    assert.equal(scores.length, 375);
    assert.deepEqual(scores[10]!.timestamp, [0.32, 0.352]);
    assert.ok(scores.every(({ label }) => label === 'speech'));
    // onnxruntime 1.32.0 for Python, fed chunk by chunk as the model's authors do.
    const expected: Record<number, number> = {
      0: 0.0183,
      1: 0.0888,
      7: 0.2339,
      8: 0.5686,
      9: 0.7725,
      10: 0.9776,
      12: 0.8149,
      40: 1.0,
      100: 0.9994,
      150: 0.9946,
      200: 1.0,
      250: 0.9999,
      300: 0.9995,
      350: 0.0312,
      374: 0.029,
    };
    for (const [chunk, probability] of Object.entries(expected)) {
      const { score } = scores[Number(chunk)]!;
      assert.ok(Math.abs(score - probability) < 1e-3, `chunk ${chunk}: ${score}, ${probability}`);
    }
    const mean = scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
    assert.ok(Math.abs(mean - 0.86311) < 1e-4, `mean ${mean}`);
  });
});
