import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseImageProcessor, processImage } from '../../../functions/media/image-processor.ts';
import { normalize } from '../../../functions/media/normalize.ts';
import { digest, formulaPicture } from '../../pictures.ts';

const bare = { do_normalize: false, do_rescale: false };

suite('size', () => {
  const wide = { width: 400, height: 300 };
  const tall = { width: 100, height: 1000 };
  const cases: [name: string, config: object, picture: { width: number; height: number }, size: string, box: string][] =
    [
      ['height and width', { size: { height: 20, width: 30 } }, wide, '30×20', '0,0 30×20'],
      ['a number is a square', { size: 32 }, wide, '32×32', '0,0 32×32'],
      [
        "a number is CLIP's shortest edge",
        { image_processor_type: 'CLIPImageProcessor', size: 30 },
        wide,
        '40×30',
        '0,0 40×30',
      ],
      [
        'the longer side is truncated',
        { size: { shortest_edge: 256 } },
        { width: 1024, height: 772 },
        '339×256',
        '0,0 339×256',
      ],
      ['longest_edge limits', { size: { shortest_edge: 50, longest_edge: 200 } }, tall, '20×200', '0,0 20×200'],
      ['longest_edge alone', { size: { longest_edge: 100 } }, wide, '100×75', '0,0 100×75'],
      [
        'center crop rounds down',
        { size: { shortest_edge: 10 }, crop_size: 5 },
        { width: 18, height: 10 },
        '18×10',
        '6,2 5×5',
      ],
      [
        "timm's center crop rounds half to even",
        { image_processor_type: 'TimmWrapperImageProcessor', size: { shortest_edge: 8 }, crop_size: 5 },
        { width: 10, height: 8 },
        '10×8',
        '2,2 5×5',
      ],
      ['crop_pct enlarges, then crops', { size: 224, crop_pct: 0.875 }, wide, '341×256', '58,16 224×224'],
      [
        'ConvNext crops 224 of 256',
        { image_processor_type: 'ConvNextImageProcessor', size: { shortest_edge: 224 } },
        wide,
        '341×256',
        '58,16 224×224',
      ],
      [
        'ConvNext warps from 384 on',
        { image_processor_type: 'ConvNextImageProcessor', size: { shortest_edge: 384 }, crop_pct: 1 },
        wide,
        '384×384',
        '0,0 384×384',
      ],
      [
        'Levit enlarges by 256/224',
        { feature_extractor_type: 'LevitFeatureExtractor', size: 224 },
        wide,
        '341×256',
        '0,0 341×256',
      ],
      ['no resize', { do_resize: false, size: 10 }, wide, '400×300', '0,0 400×300'],
      ["without a size the graph's", {}, wide, '7×5', '0,0 7×5'],
    ];
  for (const [name, config, picture, size, box] of cases) {
    test(`${name}: ${picture.width}×${picture.height} → ${size}, seen ${box}`, () => {
      const layout = parseImageProcessor({ ...bare, ...config }, { width: 7, height: 5 }).layOut(picture);
      assert.equal(`${layout.size.width}×${layout.size.height}`, size);
      assert.equal(`${layout.box.left},${layout.box.top} ${layout.box.width}×${layout.box.height}`, box);
    });
  }

  test("a crop larger than the picture is filled with black where transformers' center_crop does it", () => {
    const digests = [
      [37, 23, 20, 20, 'b8a719f265e45b03'],
      [37, 23, 30, 40, 'becae005818a4521'],
      [37, 23, 41, 30, '04dfa35c3127e561'],
      [7, 9, 16, 16, '45339ff7ed6cc002'],
    ] as const;
    for (const [width, height, cropWidth, cropHeight, expected] of digests) {
      const processor = parseImageProcessor({
        ...bare,
        do_resize: false,
        crop_size: { width: cropWidth, height: cropHeight },
      });
      assert.equal(digest(processImage(formulaPicture(width, height, 3), processor).data), expected);
    }
  });

  test('a picture that would become gigantic is refused before it does', () => {
    const processor = parseImageProcessor({ ...bare, size: { shortest_edge: 2000 } });
    assert.throws(() => processImage(formulaPicture(1, 900, 3), processor), {
      code: 'invalid_request',
      message: /1×900 pixels is too narrow: for the model it becomes 2000×1800000/,
    });
  });
});

suite('levels', () => {
  test('are the single-precision numbers of NumPy', () => {
    const { levels } = parseImageProcessor({
      size: 1,
      rescale_factor: 1 / 255,
      image_mean: [0.485, 0.26862954, 0],
      image_std: [0.229, 0.27577711, 1],
    });
    assert.deepEqual(
      levels.slice(0, 2).map(({ values }) => digest(values)),
      ['22f8908fe40645f7', 'e50c2df7d8492df3'],
    );
    const half = parseImageProcessor({ size: 1, rescale_factor: 1 / 127.5, image_mean: 0.5, image_std: 0.5 });
    assert.equal(digest(half.levels[2]!.values), 'c9377731eeb36d50');
  });

  test('rescale_offset gives -1 to 1', () => {
    const [channel] = parseImageProcessor({ size: 1, rescale_factor: 1 / 127.5, rescale_offset: true }).levels;
    assert.deepEqual([channel!.values[0], channel!.values[255]], [-1, 1]);
  });

  test('BGR order, planes and padding lie where they belong', () => {
    const processor = parseImageProcessor({ ...bare, do_resize: false, do_flip_channel_order: true });
    const picture = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) } as const;
    const planes = new Float32Array(3 * 3 * 2);
    normalize(picture, processor, 'channels_first', { width: 3, height: 2 }, planes, Number);
    assert.deepEqual([...planes], [3, 6, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0]);
    const pixels = new Uint8Array(6);
    normalize(picture, processor, 'channels_last', picture, pixels, Number);
    assert.deepEqual([...pixels], [3, 2, 1, 6, 5, 4]);
  });
});

suite('a preprocessor_config.json that cannot be followed is model_failed', () => {
  const wrong: [config: object, message: RegExp][] = [
    [{ size: 5, do_thumbnail: true }, /asks for do_thumbnail, which Lambent does not do/],
    [{ size: 5, image_processor_type: 'PerceiverImageProcessor' }, /rules of PerceiverImageProcessor/],
    [{ size: 5, image_processor_type: 'Owlv2ImageProcessor' }, /rules of Owlv2ImageProcessor/],
    [{ size: 5, do_normalize: true }, /do_normalize and no image_mean/],
    [{ size: 5, image_mean: [1, 2], image_std: [1, 2] }, /image_mean has 2 numbers for 3 channels/],
    [{ size: { edge: 5 } }, /size/],
    [{ size: 5, resample: 9 }, /resample/],
    [{ do_resize: true }, /it has no size/],
    [{ size: 5, do_center_crop: true }, /do_center_crop and no crop_size/],
  ];
  for (const [config, message] of wrong) {
    test(JSON.stringify(config), () => {
      assert.throws(() => parseImageProcessor(config), { code: 'model_failed', message });
    });
  }

  test('fields that change no pixels, and null, are passed over', () => {
    const config = {
      size: 5,
      crop_pct: null,
      do_convert_rgb: true,
      do_reduce_labels: true,
      processor_class: 'X',
      do_pad: false,
    };
    assert.equal(parseImageProcessor(config).channels, 3);
  });
});

test('MobileViT is not normalised, whatever mean its file names', () => {
  const words = { size: 4, rescale_factor: 1, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
  const { levels } = parseImageProcessor({ ...words, image_processor_type: 'MobileViTImageProcessor' });
  assert.deepEqual([levels[0]!.values[7], parseImageProcessor(words).levels[0]!.values[7]], [7, 13]);
});
