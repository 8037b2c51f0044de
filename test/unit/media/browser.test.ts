import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { parseFeatureExtractor } from '../../../functions/media/feature-extractor.ts';
import { parseImageProcessor, processImage } from '../../../functions/media/image-processor.ts';
import { createTokenizer } from '../../../functions/media/tokenizer.ts';
import { formulaPicture } from '../../pictures.ts';
import { bertTokenizer } from '../../tokenizer-files.ts';

const media = fileURLToPath(new URL('../../../functions/media/', import.meta.url));
/** The pure parts: bytes of pictures, samples and texts in, what the model sees out. */
const source = `
  export { toClientPixels } from './client-pixels.ts';
  export { parseFeatureExtractor } from './feature-extractor.ts';
  export { createTokenizer } from './tokenizer.ts';
`;
const folder = mkdtempSync(join(tmpdir(), 'browser-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const picture = formulaPicture(61, 43, 3);
const rgba = Array.from({ length: 61 * 43 * 4 }, (_, i) => (i % 4 === 3 ? 255 : picture.data[(i >> 2) * 3 + (i % 4)]!));
const pixels = { size: { shortest_edge: 30 }, crop_size: 24, resample: 3, image_mean: 0.5, image_std: 0.5 };
const sound = { feature_extractor_type: 'MelSpectrogram', n_fft: 64, n_mels: 8, log_mel: 'dB' };
const samples = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i / 3) + Math.sin(i * i));
const vocabulary = bertTokenizer(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'caf', '##e', '中', '!']);
const text = ' Café 中! Ω';

/** What a page does with them, as JSON. */
const script = `JSON.stringify({
  pixels: lambent.toClientPixels({ width: 61, height: 43, data: ${JSON.stringify(rgba)} }, { sha256: 'abc', config: ${JSON.stringify(pixels)} }),
  mel: Array.from(lambent.parseFeatureExtractor(${JSON.stringify(sound)}).extract(Float32Array.of(${samples})).data),
  ids: lambent.createTokenizer(${JSON.stringify(vocabulary)}, {}).encode([${JSON.stringify(text)}]).rows[0].ids,
})`;

let code = '';
before(async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: media, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'lambent',
  });
  code = outputFiles[0]!.text;
  const outside = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
  assert.deepEqual(outside, []);
  assert.doesNotMatch(code, /node:|\bBuffer\b|\brequire\(/);
});

function assertAsHere(found: string): void {
  const { pixels: sent, mel, ids } = JSON.parse(found) as { pixels: unknown; mel: number[]; ids: number[] };
  const seen = processImage(picture, parseImageProcessor(pixels));
  assert.deepEqual(sent, {
    pixels: Buffer.from(seen.data).toString('base64'),
    width: 24,
    height: 24,
    preprocessing: 'abc',
    original: { width: 61, height: 43 },
  });
  const expected = parseFeatureExtractor(sound).extract(samples).data;
  // Sines of another build of V8 may differ in their last bit.
  assert.ok(mel.length === expected.length && mel.every((value, i) => Math.abs(value - expected[i]!) < 1e-4));
  assert.deepEqual(ids, createTokenizer(vocabulary, {}).encode([text]).rows[0]!.ids);
}

test('pictures, sounds and texts are prepared where there is nothing of Node, as they are here', () => {
  // The language, and of the web's globals those that are used.
  const page = createContext({ atob, btoa, TextDecoder, TextEncoder });
  assertAsHere(runInContext(`${code}; ${script}`, page) as string);
});

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

test('a browser prepares them as they are prepared here', { skip: chromium ? false : 'needs Chromium' }, async () => {
  const page = join(folder, 'page.html');
  const write = 'document.body.textContent = found';
  const escaped = `${code}; const found = ${script}; ${write};`.replaceAll('</', '<\\/');
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><body><script>${escaped}</script>`);
  const options = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`];
  const { stdout } = await promisify(execFile)(chromium!, [...options, '--dump-dom', pathToFileURL(page).href], {
    maxBuffer: 2 ** 26,
  });
  assertAsHere(/<body>(.*)<\/body>/s.exec(stdout)![1]!.trim());
});
