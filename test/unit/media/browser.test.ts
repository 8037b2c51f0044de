import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { parseImageProcessor, processImage } from '../../../functions/media/image-processor.ts';
import { formulaPicture } from '../../pictures.ts';

test('pictures are prepared in a browser as they are here', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../../../functions/media/client-pixels.ts', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'lambent',
  });
  const code = outputFiles[0]!.text;
  const outside = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
  assert.deepEqual(outside, []);
  assert.doesNotMatch(code, /node:|\bBuffer\b|\brequire\(/);

  const picture = formulaPicture(61, 43, 3);
  const rgba = Uint8ClampedArray.from({ length: 61 * 43 * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : picture.data[(i >> 2) * 3 + (i % 4)]!,
  );
  const config = { size: { shortest_edge: 30 }, crop_size: 24, resample: 3, image_mean: 0.5, image_std: 0.5 };
  // The language, and of the web's globals the one that is used.
  const page = createContext({
    btoa,
    image: { width: 61, height: 43, data: rgba },
    published: { sha256: 'abc', config },
  });
  const found = JSON.parse(
    runInContext(`${code}; JSON.stringify(lambent.toClientPixels(image, published))`, page) as string,
  );
  const seen = processImage(picture, parseImageProcessor(config));
  assert.deepEqual(found, {
    pixels: Buffer.from(seen.data).toString('base64'),
    width: 24,
    height: 24,
    preprocessing: 'abc',
    original: { width: 61, height: 43 },
  });
});
