import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningPlatform, runPlatform, temporaryState } from '../flow/run-platform.ts';
import { pushTritonModels } from './triton-models.ts';

/**
 * `src/python/examples` of https://github.com/triton-inference-server/client, which are not part of this project, and a
 * Python with tritonclient[all], Pillow and attrdict.
 */
const { LAMBENT_TRITON_EXAMPLES: examples, LAMBENT_TEST_PYTHON: python } = process.env;
const skip =
  examples && python ? false : 'LAMBENT_TRITON_EXAMPLES and LAMBENT_TEST_PYTHON name no examples and a Python';

let temporary: Awaited<ReturnType<typeof temporaryState>>;
let platform: RunningPlatform;
before(async () => {
  if (skip) return;
  temporary = await temporaryState();
  platform = await runPlatform(temporary.state, ['--open']);
  // One that overrides max_batch_size sets it to 16: it passes where that holds already.
  await pushTritonModels(platform, 16);
});
after(async () => {
  await platform?.end('SIGKILL');
  await temporary?.remove();
});

/** Runs one as it is, and gives how it ended and what it printed. */
async function run(name: string, args: readonly string[]) {
  const url = platform.url.replace('http://', '');
  const child = spawn(python as string, [join(examples as string, `${name}.py`), '-u', url, ...args]);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (printed += part));
  const [code] = await once(child, 'close');
  return { code, printed };
}

const pictures = new URL('../../models/digits/golden', import.meta.url).pathname;
const compressed = (algorithm: string) =>
  ['request', 'response'].flatMap((what) => [`--${what}-compression-algorithm`, algorithm]);
const passing: [name: string, ...args: string[]][] = [
  ['image_client', '-m', 'digits', '-c', '3', pictures],
  ['image_client', '-m', 'digits', '-x', '1', '-a', '-b', '4', '-s', 'INCEPTION', pictures],
  ...['', 'aio_'].flatMap((kind): [string, ...string[]][] => [
    [`simple_http_${kind}health_metadata`],
    [`simple_http_${kind}infer_client`, '-v', '-H', 'x-lambent-user:one'],
    [`simple_http_${kind}infer_client`, ...compressed('gzip')],
    [`simple_http_${kind}infer_client`, ...compressed('deflate')],
    [`simple_http_${kind}string_infer_client`],
  ]),
  ['simple_http_async_infer_client'],
];
for (const [name, ...args] of passing) {
  test(`${[name, ...args].join(' ')} passes`, { skip }, async () => {
    const { code, printed } = await run(name, args);
    assert.equal(code, 0, printed);
  });
}

const sequences = /\[400\] the parameter sequence_id of the request is 1000; allowed is 0/;
const regions = /\[400\] Unable to find shared memory region.*Callers and models share no memory here/;
const refused: [name: string, reason: RegExp][] = [
  ['simple_http_sequence_sync_infer_client', sequences],
  ['simple_http_aio_sequence_sync_infer_client', sequences],
  ['simple_http_shm_client', regions],
  ['simple_http_aio_shm_client', regions],
  ['simple_http_shm_string_client', regions],
  ['simple_http_aio_shm_string_client', regions],
  ['reuse_infer_objects_client', regions],
];
for (const [name, reason] of refused) {
  test(`${name} is refused with the reason`, { skip }, async () => {
    const { code, printed } = await run(name, []);
    assert.equal(code, 1);
    assert.match(printed, reason);
  });
}

// These unload a model of the others.
for (const name of ['simple_http_model_control', 'simple_http_aio_model_control']) {
  test(`${name} passes`, { skip }, async () => {
    const { code, printed } = await run(name, []);
    assert.equal(code, 0, printed);
    assert.match(printed, /PASS/);
  });
}
