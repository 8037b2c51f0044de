import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { sampleFrames } from '../../../functions/media/sample-frames.ts';
import { readVideoHeader } from '../../../functions/media/video.ts';
import { onnxModel } from '../../onnx-model.ts';
import { startModels } from '../../task-model.ts';

const program = 'ffmpeg';
const skip = spawnSync(program, ['-version']).status === 0 ? false : 'ffmpeg is not in PATH';
const folder = mkdtempSync(join(tmpdir(), 'video-'));
const models = startModels();
after(async () => {
  await models.close();
  rmSync(folder, { recursive: true });
});

/** 20 frames of 64×48, 10 a second, each of one grey level: 10 × its number. Without loss. */
function writeVideo(name: string, codec: string[]): Uint8Array {
  const path = join(folder, name);
  const frames = Buffer.concat(Array.from({ length: 20 }, (_, number) => Buffer.alloc(64 * 48, number * 10)));
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', '64x48', '-r', '10', '-i', 'pipe:0'];
  execFileSync(program, ['-v', 'error', '-y', ...raw, '-vf', 'scale=out_range=full', ...codec, path], {
    input: frames,
  });
  return new Uint8Array(readFileSync(path));
}

/** Answers the mean of every frame: [1, frames]. */
function meansModel(shape: number[], axes: number[]): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'ReduceMean', inputs: ['pixel_values'], outputs: ['logits'], attributes: { axes, keepdims: 0 } }],
    inputs: [{ name: 'pixel_values', datatype: 'FP32', shape }],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [1, -1] }],
  });
}

test('frames are chosen as NumPy’s linspace does; a short video is spread over', () => {
  const video = { frames: 20, framesPerSecond: 10 };
  assert.deepEqual(sampleFrames({ kind: 'first', count: 4, rate: 3 }, video), [0, 3, 7, 11]);
  assert.deepEqual(sampleFrames({ kind: 'first', count: 4, rate: 10 }, video), [0, 6, 12, 19]);
  assert.deepEqual(sampleFrames({ kind: 'uniform', count: 3 }, video), [0, 9, 19]);
  assert.deepEqual(sampleFrames({ kind: 'fps', count: 3, fps: 4 }, video), [0, 2, 5]);
  assert.deepEqual(sampleFrames({ kind: 'fps', count: 3, fps: 1 }, video), [0, 9, 19]);
  assert.deepEqual(sampleFrames({ kind: 'uniform', count: 3 }, { frames: 1, framesPerSecond: 0 }), [0, 0, 0]);
});

suite('MP4 and WebM', { skip }, () => {
  const webm = skip
    ? new Uint8Array()
    : writeVideo('a.webm', ['-c:v', 'libvpx-vp9', '-lossless', '1', '-pix_fmt', 'gbrp']);
  const mp4 = skip ? new Uint8Array() : writeVideo('a.mp4', ['-c:v', 'libx264rgb', '-qp', '0', '-pix_fmt', 'rgb24']);
  const preprocessing = { size: { height: 4, width: 4 }, do_rescale: false, function_to_apply: 'none' };
  const ask = async (video: Uint8Array, shape: number[], axes: number[], more: object, parameters: object) => {
    const { ask } = await models.open({
      task: 'video-classification',
      graph: meansModel(shape, axes),
      manifest: { preprocessing: { ...preprocessing, ...more } },
    });
    const body = { inputs: video, parameters: { function_to_apply: 'none', top_k: 20, ...parameters } };
    const scores = (await ask(body)) as { label: string; score: number }[];
    return scores.toSorted((a, b) => a.label.localeCompare(b.label)).map(({ score }) => Math.round(score));
  };
  const first = [1, 3, 3, 4, 4];

  for (const [name, video] of [
    ['WebM', webm],
    ['MP4 with its index at the end', mp4],
  ] as const) {
    test(`${name}: the frames that were asked for reach the model, in order`, async () => {
      assert.deepEqual(
        await ask(video, [1, -1, 3, 4, 4], [2, 3, 4], {}, { num_frames: 4, frame_sampling_rate: 3 }),
        [0, 30, 70, 110],
      );
      assert.deepEqual(await ask(video, first, [2, 3, 4], { frame_sampling: 'uniform' }, {}), [0, 90, 190]);
      assert.deepEqual(await ask(video, [1, 3, 2, 4, 4], [1, 3, 4], { frame_sampling: 'fps', fps: 2 }, {}), [0, 50]);
    });
  }

  test('what the headers say is told before a frame is decoded', async () => {
    assert.deepEqual(await readVideoHeader(mp4), { width: 64, height: 48, frames: 20, framesPerSecond: 10 });
  });

  test('an index at the end of a long video is found', async () => {
    const path = join(folder, 'long.mp4');
    const source = ['-f', 'lavfi', '-i', 'color=size=16x16:rate=100:duration=300'];
    execFileSync(program, ['-v', 'error', ...source, '-c:v', 'libx264', '-preset', 'ultrafast', path]);
    assert.equal((await readVideoHeader(new Uint8Array(readFileSync(path)))).frames, 30_000);
  });

  test('another number of frames than the graph takes is the caller’s error', async () => {
    await assert.rejects(ask(mp4, first, [2, 3, 4], {}, { num_frames: 9 }), {
      code: 'invalid_request',
      message: /num_frames is 9; the model takes 3/,
    });
  });

  const sound = () => {
    const path = join(folder, 'sound.mp4');
    execFileSync(program, ['-v', 'error', '-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac', path]);
    return new Uint8Array(readFileSync(path));
  };
  const large = () => {
    const path = join(folder, 'large.webm');
    execFileSync(program, [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'color=size=4096x2304',
      '-frames:v',
      '1',
      '-c:v',
      'mjpeg',
      '-f',
      'matroska',
      path,
    ]);
    return new Uint8Array(readFileSync(path));
  };
  const refused: [name: string, file: () => Uint8Array, code: string, message: RegExp][] = [
    ['an empty file', () => new Uint8Array(), 'invalid_request', /video is empty/],
    [
      'text',
      () => new Uint8Array(Buffer.from('#EXTM3U\nfile:///etc/passwd')),
      'unsupported_media_type',
      /no known video; MP4 or WebM/,
    ],
    [
      'a playlist that calls itself MP4',
      () => new Uint8Array(Buffer.from('\0\0\0\x18ftypisom\n#EXTM3U\nfile:///etc/passwd')),
      'invalid_request',
      /cannot be decoded/,
    ],
    ['a PNG', () => new Uint8Array(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')), 'unsupported_media_type', /is PNG/],
    [
      'an MP4 cut in half',
      () => mp4.slice(0, mp4.length / 2),
      'invalid_request',
      /^the MP4 video cannot be decoded; it is damaged, cut off or encrypted\. FFmpeg says: [A-Z][\w ]+$/,
    ],
    ['an MP4 with sound alone', sound, 'invalid_request', /holds no video/],
    ['frames larger than 4K', large, 'payload_too_large', /4096×2304 pixels/],
  ];
  for (const [name, file, code, message] of refused) {
    test(`${name} is ${code}`, async () => {
      await assert.rejects(readVideoHeader(file()), { name: 'ServiceError', code, message });
    });
  }

  test('without ffmpeg the answer says so', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      await assert.rejects(readVideoHeader(mp4), { code: 'unsupported_media_type', message: /ffprobe is not in PATH/ });
    } finally {
      process.env.PATH = path;
    }
  });
});
