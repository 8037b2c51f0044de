import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createModelHost } from '../../../functions/host/create-model-host.ts';
import type { ModelSource } from '../../../functions/host/model-host.ts';
import type { Tensor } from '../../../functions/inference/protocol.ts';
import { createBytesTensor, createTensor, decodeBytes, elementsOf } from '../../../functions/inference/tensor.ts';
import { addOneModel, gatherModel, loopModel, onnxModel } from '../../onnx-model.ts';

const host = createModelHost({ cacheBytes: 1_000_000 });
after(() => host.close());
const soon = () => Date.now() + 20_000;

function source(id: string, graph: () => Uint8Array, options: Partial<ModelSource> = {}): ModelSource {
  const load = async () => ({ graph: graph(), externalData: [] });
  return { id, bytes: 1000, maxBatchSize: 0, load, ...options };
}

const floats = (name: string, shape: number[], values: number[]) =>
  createTensor(name, 'FP32', shape, new Float32Array(values));
const row = (...values: number[]) => ({ inputs: [floats('x', [values.length / 3, 3], values)] });
const valuesOf = (tensor: Tensor | undefined) => [...elementsOf(tensor as Tensor & { datatype: 'FP32' })];

test('a model runs, and the answer has its name, datatype, shape and values', async () => {
  const { outputs, timings } = await host.infer(source('add', addOneModel), row(1, 2, 3), soon());
  assert.deepEqual(
    outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    [{ name: 'y', datatype: 'FP32', shape: [1, 3] }],
  );
  assert.deepEqual(valuesOf(outputs[0]), [2, 3, 4]);
  assert.equal(timings.batchSize, 1);
  assert.ok(timings.computeNs > 0);
});

test('a model is described by its own tensors, with -1 for a dimension of any size', async () => {
  assert.deepEqual(await host.describe(source('add', addOneModel), soon()), {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  });
});

test('each datatype that ONNX Runtime knows comes back bit for bit, also unaligned, as a scalar and with no rows', async () => {
  const sizes = {
    BOOL: 1,
    UINT8: 1,
    UINT16: 2,
    UINT32: 4,
    UINT64: 8,
    INT8: 1,
    INT16: 2,
    INT32: 4,
    INT64: 8,
    FP16: 2,
    FP32: 4,
    FP64: 8,
  };
  const inputs = (Object.keys(sizes) as (keyof typeof sizes)[]).flatMap((datatype) =>
    [[], [2, 1], [0, 4]].map((shape) => {
      const bytes = shape.reduce((product, size) => product * size, sizes[datatype]);
      return { name: `${datatype}[${shape}]`, datatype, shape, data: new Uint8Array(bytes + 1).fill(1).subarray(1) };
    }),
  );
  const outputs = inputs.map((input) => ({ ...input, name: `${input.name} out`, data: new Uint8Array(input.data) }));
  const nodes = inputs.map(({ name }, index) => ({ op: 'Identity', inputs: [name], outputs: [outputs[index]!.name] }));
  const answer = await host.infer(
    source('all', () => onnxModel({ nodes, inputs, outputs })),
    { inputs },
    soon(),
  );
  assert.deepEqual(answer.outputs, outputs);
});

const echo = source(
  'echo',
  () =>
    onnxModel({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', datatype: 'BYTES', shape: [-1] }],
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [-1] }],
    }),
  { maxBatchSize: 8 },
);

test('BYTES are UTF-8 text and come back whole, also behind a NUL; what ONNX Runtime would change is refused', async () => {
  const texts = ['', 'Größe', '日本', '🙂', 'he\0llo', '\0\x01\x02\x03', '\0'.repeat(300)];
  const { outputs } = await host.infer(echo, { inputs: [createBytesTensor('x', [texts.length], texts)] }, soon());
  assert.deepEqual(
    decodeBytes(outputs[0]!.data).map((element) => Buffer.from(element).toString()),
    texts,
  );
  const bad = (element: Uint8Array | string) =>
    host.infer(echo, { inputs: [createBytesTensor('x', [2], ['good', element])] }, soon());
  await assert.rejects(bad(Uint8Array.of(0xff)), { code: 'model_rejected_input', message: /element 1 is not UTF-8/ });
});

test('requests that queue during a run share the next one, and each gets its own rows', async () => {
  const model = source('batched', addOneModel, { maxBatchSize: 4 });
  await host.describe(model, soon());
  const sizes = [1, 1, 2, 1, 3];
  const results = await Promise.all(
    sizes.map((rows, index) => host.infer(model, row(...Array<number>(rows * 3).fill(index)), soon())),
  );
  assert.deepEqual(
    results.map(({ outputs }) => outputs[0]!.shape),
    sizes.map((rows) => [rows, 3]),
  );
  assert.deepEqual(
    results.map(({ outputs }) => [...new Set(valuesOf(outputs[0]))]),
    [[1], [2], [3], [4], [5]],
  );
  // The first runs alone, since what a row costs is not known; then 1 + 2 + 1 rows fill a batch of 4, and 3 are left.
  assert.deepEqual(
    results.map(({ timings }) => timings.batchSize),
    [1, 3, 3, 3, 1],
  );
});

test('requests whose rows take long share no run: the first would wait for the last', async () => {
  const model = source('steps', () => loopModel(100_000n), { maxBatchSize: 8 });
  const ask = () => host.infer(model, { inputs: [floats('x', [1], [0])] }, soon());
  const results = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(
    results.map(({ outputs, timings }) => [valuesOf(outputs[0]), timings.batchSize]),
    Array(3).fill([[100_000], 1]),
  );
});

test('BYTES of different lengths are joined and split too', async () => {
  const ask = (...texts: string[]) =>
    host.infer(echo, { inputs: [createBytesTensor('x', [texts.length], texts)] }, soon());
  await ask('what a row costs');
  const results = await Promise.all([ask('first'), ask('a', ''), ask('ccc'), ask('dd', 'e')]);
  assert.deepEqual(
    results.map(({ outputs }) => decodeBytes(outputs[0]!.data).map((element) => Buffer.from(element).toString())),
    [['first'], ['a', ''], ['ccc'], ['dd', 'e']],
  );
  assert.deepEqual(
    results.map(({ timings }) => timings.batchSize),
    [4, 4, 4, 4],
  );
});

test('requests of other trailing shapes, datatypes or outputs do not share a run', async () => {
  const model = source(
    'any',
    () =>
      onnxModel({
        nodes: [
          { op: 'Identity', inputs: ['x'], outputs: ['y'] },
          { op: 'Neg', inputs: ['x'], outputs: ['z'] },
        ],
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
        outputs: ['y', 'z'].map((name) => ({ name, datatype: 'FP32', shape: [-1, -1] })),
      }),
    { maxBatchSize: 8 },
  );
  await host.describe(model, soon());
  const inputs = (...values: number[]) => ({ inputs: [floats('x', [1, values.length], values)] });
  const results = await Promise.all(
    [inputs(1), inputs(1, 2), inputs(3, 4), { ...inputs(5, 6), outputs: [{ name: 'z' }] }].map((request) =>
      host.infer(model, request, soon()),
    ),
  );
  assert.deepEqual(
    results.map(({ timings }) => timings.batchSize),
    [1, 2, 2, 1],
  );
  assert.deepEqual(
    results[3]!.outputs.map(({ name }) => name),
    ['z'],
  );
  assert.deepEqual(valuesOf(results[3]!.outputs[0]), [-5, -6]);
});

test('a request that fails in a shared run fails alone', async () => {
  const model = source('gather', gatherModel, { maxBatchSize: 8 });
  await host.describe(model, soon());
  const ask = (index: bigint) =>
    host.infer(model, { inputs: [createTensor('x', 'INT64', [1, 1], new BigInt64Array([index]))] }, soon());
  const results = await Promise.allSettled([ask(0n), ask(1n), ask(7n), ask(2n)]);
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? valuesOf(result.value.outputs[0]) : result.reason.code)),
    [[10], [20], 'model_rejected_input', [30]],
  );
  assert.match(
    (results[2] as PromiseRejectedResult).reason.message,
    /Gather.*idx=7 must be within the inclusive range/,
  );
});

test('where dimension 0 turns out to be no batch, requests run one by one and come out right', async () => {
  const model = source(
    'sum',
    () =>
      onnxModel({
        nodes: [{ op: 'ReduceSum', inputs: ['x'], outputs: ['y'], attributes: { keepdims: 1 } }],
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 1] }],
      }),
    { maxBatchSize: 8 },
  );
  const results = await Promise.all(
    [row(1, 1, 1), row(2, 2, 2), row(3, 3, 3)].map((request) => host.infer(model, request, soon())),
  );
  assert.deepEqual(
    results.map(({ outputs }) => valuesOf(outputs[0])),
    [[3], [6], [9]],
  );
});

test('a request that does not fit the model is refused with what was given and what the model takes', async () => {
  const add = source('add', addOneModel);
  const refusals: [Parameters<typeof host.infer>[1], RegExp][] = [
    [{ inputs: [] }, /^input 'x' is missing; the model takes 'x'$/],
    [{ inputs: [...row(1, 2, 3).inputs, floats('z', [1], [1])] }, /^input 'z' is unknown; the model takes 'x'$/],
    [{ inputs: [createTensor('x', 'FP64', [1, 3], new Float64Array(3))] }, /^input 'x' is FP64; the model takes FP32$/],
    [{ inputs: [floats('x', [1, 2], [1, 2])] }, /^input 'x' has shape \[1,2\]; the model takes \[-1,3\]/],
    [{ inputs: [floats('x', [3], [1, 2, 3])] }, /^input 'x' has shape \[3\]; the model takes \[-1,3\]/],
    [{ inputs: [floats('x', [2, 3], [1, 2, 3])] }, /needs 24 bytes; 12 are given/],
    [{ ...row(1, 2, 3), outputs: [{ name: 'q' }] }, /^output 'q' is unknown; the model gives 'y'$/],
  ];
  for (const [request, message] of refusals) {
    await assert.rejects(host.infer(add, request, soon()), { code: 'model_rejected_input', message });
  }
});

test('a graph that cannot be loaded is model_failed with the reason, without a path, and is tried again next time', async () => {
  let loads = 0;
  const tensor = (name: string) => ({ name, datatype: 'FP32' as const, shape: [1] });
  const unknown = () =>
    onnxModel({
      nodes: [{ op: 'Nope', inputs: ['x'], outputs: ['y'] }],
      inputs: [tensor('x')],
      outputs: [tensor('y')],
    });
  const failures: [() => Uint8Array, RegExp][] = [
    [() => new Uint8Array(), /cannot be loaded: the file is empty$/],
    [() => Buffer.from('this is no graph'), /cannot be loaded: .*protobuf parsing failed/],
    [unknown, /No Op registered for Nope/],
    [
      () =>
        onnxModel({
          nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
          inputs: [{ ...tensor('x'), datatype: 'BF16' }],
          outputs: [{ ...tensor('y'), datatype: 'BF16' }],
        }),
      /an input or output is BF16, which the CPU host cannot pass/,
    ],
    [
      () =>
        onnxModel({
          nodes: [{ op: 'SequenceConstruct', inputs: ['x'], outputs: ['y'] }],
          inputs: [tensor('x')],
          outputs: [{ ...tensor('y'), kind: 'sequence' }],
        }),
      /^output 'y' is a sequence, a map or an optional; only tensors are served \(skl2onnx: zipmap=False\)$/,
    ],
    [
      () =>
        onnxModel({
          nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
          inputs: [tensor('x')],
          outputs: [tensor('y')],
          initializers: [{ ...tensor('w'), data: { path: 'package.json', length: 4 } }],
        }),
      /the external data file package.json is not in the package/,
    ],
  ];
  for (const [graph, message] of failures) {
    const broken = source('broken', () => {
      loads++;
      return graph();
    });
    await assert.rejects(host.describe(broken, soon()), (error: Error & { code: string }) => {
      assert.equal(error.code, 'model_failed');
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /onnxruntime_src|\.cc|\/tmp|node_modules/);
      return true;
    });
  }
  await host.describe(source('broken', addOneModel), soon());
  assert.equal(loads, failures.length);
});

test('weights in an external data file are found by the path that the graph names', async () => {
  const graph = onnxModel({
    nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [2] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [2] }],
    initializers: [{ name: 'w', datatype: 'FP32', shape: [2], data: { path: 'weights/w.bin', length: 8 } }],
  });
  const externalData = [{ path: 'weights/w.bin', data: new Uint8Array(new Float32Array([10, 20]).buffer) }];
  const model = source('external', addOneModel, { load: async () => ({ graph, externalData }) });
  const { outputs } = await host.infer(model, { inputs: [floats('x', [2], [1, 2])] }, soon());
  assert.deepEqual(valuesOf(outputs[0]), [11, 22]);
});

test('a run that needs more memory than there is is refused, and the model answers the next request', async () => {
  const model = source('expand', () =>
    onnxModel({
      nodes: [{ op: 'Expand', inputs: ['x', 'shape'], outputs: ['y'] }],
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [1] },
        { name: 'shape', datatype: 'INT64', shape: [-1] },
      ],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    }),
  );
  const ask = (size: bigint) =>
    host.infer(
      model,
      { inputs: [floats('x', [1], [5]), createTensor('shape', 'INT64', [1], new BigInt64Array([size]))] },
      soon(),
    );
  await assert.rejects(ask(2n ** 45n), {
    code: 'payload_too_large',
    message: /more memory than the CPU host has: .*Failed to allocate memory.*; send fewer rows/,
  });
  assert.deepEqual(valuesOf((await ask(2n)).outputs[0]), [5, 5]);
});

test('first requests at the same time load the model once', async () => {
  let loads = 0;
  const model = source('once', addOneModel, {
    load: async () => {
      loads++;
      return { graph: addOneModel(), externalData: [] };
    },
  });
  await Promise.all([1, 2, 3, 4].map((value) => host.infer(model, row(value, value, value), soon())));
  assert.equal(loads, 1);
});

test('the least recently used idle models make room; a model larger than the budget is refused', async () => {
  const small = createModelHost({ cacheBytes: 2000 });
  const ask = (id: string) => small.infer(source(id, addOneModel), row(1, 2, 3), soon());
  await ask('a');
  await ask('b');
  await ask('a');
  await ask('c');
  assert.deepEqual(small.loaded(), ['a', 'c']);
  await assert.rejects(small.describe(source('big', addOneModel, { bytes: 2001 }), soon()), {
    code: 'model_failed',
    message: /2001 bytes; this host keeps 2000/,
  });
  assert.equal(await small.unload('a'), true);
  assert.equal(await small.unload('a'), false);
  assert.deepEqual(small.loaded(), ['c']);
  await small.close();
  assert.deepEqual(small.loaded(), []);
});

test('a load goes on when a caller has no time left, and serves the next one', async () => {
  const released = Promise.withResolvers<void>();
  const load = () => released.promise.then(() => ({ graph: addOneModel(), externalData: [] }));
  const slow = source('slow', addOneModel, { load });
  const late = host.infer(slow, row(1, 2, 3), Date.now() + 5);
  await assert.rejects(late, { code: 'model_not_ready', message: /still loading/ });
  await assert.rejects(host.infer(slow, row(1, 2, 3), Date.now() - 1), { code: 'deadline_exceeded' });
  released.resolve();
  assert.deepEqual(valuesOf((await host.infer(slow, row(1, 2, 3), soon())).outputs[0]), [2, 3, 4]);
});

test('a caller whose time is over during a run, or while waiting for it, is told so at once; others are served', async () => {
  const model = source('loop', loopModel);
  await host.describe(model, soon());
  const loop = (n: bigint, deadline: number) =>
    host.infer(
      model,
      { inputs: [floats('x', [1], [0]), createTensor('n', 'INT64', [], new BigInt64Array([n]))] },
      deadline,
    );
  const running = loop(300_000n, Date.now() + 2);
  const waiting = loop(1n, Date.now() + 2);
  const patient = loop(2n, soon());
  // Either may be told first.
  await Promise.all([
    assert.rejects(running, { code: 'deadline_exceeded', message: /the model was still running/ }),
    assert.rejects(waiting, { code: 'deadline_exceeded', message: /the request was waiting for the model/ }),
  ]);
  assert.deepEqual(valuesOf((await patient).outputs[0]), [2]);
});

test('a model at work is not evicted: a request for another one is told to come again', async () => {
  const small = createModelHost({ cacheBytes: 1000 });
  const loop = source('loop', loopModel);
  await small.describe(loop, soon());
  const n = createTensor('n', 'INT64', [], new BigInt64Array([100_000n]));
  const busy = small.infer(loop, { inputs: [floats('x', [1], [0]), n] }, soon());
  const refused = small.infer(source('other', addOneModel), row(1, 2, 3), soon());
  await assert.rejects(refused, { code: 'model_not_ready', message: /has no room for the model now/ });
  const unloaded = small.unload('loop');
  assert.deepEqual(valuesOf((await busy).outputs[0]), [100_000]);
  assert.equal(await unloaded, true);
  await small.infer(source('other', addOneModel), row(1, 2, 3), soon());
  await small.close();
});
