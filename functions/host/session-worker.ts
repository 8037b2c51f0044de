/** The worker thread that holds one ONNX Runtime session: its runs are synchronous and would block the event loop. */
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { ServiceError } from '../errors.ts';
import type { Tensor, TensorMetadata } from '../inference/protocol.ts';
import { holdsNul } from '../inference/tensor.ts';
import { initializeInputs } from './initialize-inputs.ts';
import { outOfMemory, readOnnxReason } from './onnx-reason.ts';
import { fromOnnxTensor, toDatatype, toOnnxTensor } from './onnx-tensors.ts';
import type { WorkerAnswer, WorkerRequest } from './worker-messages.ts';

type Source = Pick<WorkerRequest & { kind: 'load' }, 'graph' | 'externalData'>;

/** Models with BYTES inputs are kept up to this size, for `runInitialized`. */
const keptBytes = 16 * 1024 * 1024;

const port = parentPort!;
let session: OnnxRuntime.InferenceSession | undefined;
let kept: Source | undefined;
/** What sequences carry to their next step, by the names of inputs. */
const sequences = new Map<number, Record<string, OnnxRuntime.Tensor>>();

/** What came before has been answered. */
let answered: Promise<void> = Promise.resolve();

port.on('message', (request: WorkerRequest) => {
  answered = answered.then(() => answer(request));
});

async function answer(request: WorkerRequest): Promise<void> {
  if (request.kind === 'close') {
    await session?.release();
    port.close();
    return;
  }
  if (request.kind === 'forget') return void sequences.delete(request.id);
  try {
    const answer = request.kind === 'load' ? await load(request) : await timed(() => run(request));
    const transfer = 'outputs' in answer ? answer.outputs.map(({ data }) => data.buffer as ArrayBuffer) : [];
    port.postMessage(answer, transfer);
  } catch (error) {
    port.postMessage({ error: toError(error, request.kind) } satisfies WorkerAnswer);
  }
}

/** By `require`, which sees a Lambda layer; `import` does not. */
function loadOnnxRuntime(): typeof OnnxRuntime {
  // The binding hands out FP16 as Uint16Array, and onnxruntime-common refuses that where Float16Array exists (1.30).
  delete (globalThis as { Float16Array?: unknown }).Float16Array;
  const runtime = createRequire(import.meta.url)('onnxruntime-node') as typeof OnnxRuntime;
  runtime.env.logLevel = 'fatal';
  return runtime;
}

const { InferenceSession, Tensor: OnnxTensor } = loadOnnxRuntime();

async function load(source: Source): Promise<WorkerAnswer> {
  if (source.graph.length === 0) throw new Error('the file is empty');
  session = await open(source);
  const inputs = session.inputMetadata.map((metadata) => toTensorMetadata('input', metadata));
  const outputs = session.outputMetadata.map((metadata) => toTensorMetadata('output', metadata));
  const bytes = source.externalData.reduce((sum, { data }) => sum + data.length, source.graph.length);
  if (bytes <= keptBytes && inputs.some(({ datatype }) => datatype === 'BYTES')) kept = source;
  return { metadata: { inputs, outputs } };
}

function open({ graph, externalData }: Source): Promise<OnnxRuntime.InferenceSession> {
  return InferenceSession.create(graph, {
    // One thread: the function has 1.7 vCPU at 3008 MiB, and where several models run at once the threads of one stand
    // in the way of the others. On two cores a second thread was 6–20 % slower with two networks, 11 % faster with one.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    // Never an empty list: with one, ONNX Runtime reads the paths that a graph names from the working directory.
    externalData: [...externalData, { path: '\u0000', data: new Uint8Array(1) }],
  });
}

/** CPU time too, for what else this machine does must not look like work of the model. */
async function timed(call: () => Promise<Tensor[]>): Promise<WorkerAnswer> {
  const startedAt = performance.now();
  const before = process.threadCpuUsage();
  const outputs = await call();
  const { user, system } = process.threadCpuUsage(before);
  return { outputs, computeMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
}

async function run({ inputs, outputs, sequence }: WorkerRequest & { kind: 'run' }): Promise<Tensor[]> {
  const feeds = Object.fromEntries(inputs.map((input) => [input.name, toOnnxTensor(input, OnnxTensor)]));
  if (!sequence) {
    const cut = inputs.filter(holdsNul);
    const results = cut.length > 0 ? await runInitialized(cut, feeds, outputs) : await session!.run(feeds, outputs);
    return outputs.map((name) => fromOnnxTensor(name, results[name]!));
  }
  const carried = Object.entries(sequence.carry);
  const kept = sequences.get(sequence.id);
  const results = await session!.run({ ...feeds, ...kept }, [...outputs, ...carried.map(([output]) => output)]);
  sequences.set(sequence.id, Object.fromEntries(carried.map(([output, input]) => [input, results[output]!])));
  return outputs.map((name) => fromOnnxTensor(name, lastPosition(results[name]!)));
}

/** The binding cuts strings that it is fed at their first NUL. In the graph they stay whole: a session for this run alone. */
async function runInitialized(
  cut: readonly Tensor[],
  feeds: Record<string, OnnxRuntime.Tensor>,
  outputs: readonly string[],
): Promise<OnnxRuntime.InferenceSession.ReturnType> {
  if (!kept) {
    const rule = `the CPU host takes such text where the model has up to ${keptBytes} bytes`;
    throw new ServiceError('model_rejected_input', `input '${cut[0]!.name}' holds a NUL byte; ${rule}`);
  }
  const initialized = await open({ ...kept, graph: initializeInputs(kept.graph, cut) });
  try {
    const fed = Object.entries(feeds).filter(([name]) => initialized.inputNames.includes(name));
    return await initialized.run(Object.fromEntries(fed), outputs);
  } finally {
    await initialized.release();
  }
}

/** The last row of all: a prompt's logits are many times as large, and only those that follow it are wanted. */
function lastPosition(tensor: OnnxRuntime.Tensor): OnnxRuntime.Tensor {
  const width = tensor.dims.at(-1) ?? 1;
  const data = (tensor.data as Float32Array).subarray(-width);
  return new OnnxTensor(tensor.type as 'float32', data, [1, width]);
}

function toTensorMetadata(role: string, metadata: OnnxRuntime.InferenceSession.ValueMetadata): TensorMetadata {
  const { name } = metadata;
  if (!metadata.isTensor) {
    throw new ServiceError(
      'model_failed',
      `${role} '${name}' is a sequence, a map or an optional; only tensors are served (skl2onnx: zipmap=False)`,
    );
  }
  const datatype = toDatatype(metadata.type);
  if (!datatype)
    throw new ServiceError('model_failed', `${role} '${name}' is of type ${metadata.type}, which /v2 lacks`);
  return { name, datatype, shape: metadata.shape.map((size) => (typeof size === 'number' ? size : -1)) };
}

function toError(error: unknown, kind: 'load' | 'run'): { code: ServiceError['code']; message: string } {
  if (error instanceof ServiceError) return { code: error.code, message: error.message };
  const reason = readOnnxReason(error);
  if (kind === 'load') return { code: 'model_failed', message: `the model cannot be loaded: ${nameType(reason)}` };
  // The model was loaded and has run when it was registered: it is this request that needs so much.
  if (/allocat|bad_alloc/i.test(reason)) {
    const advice = 'send fewer rows or smaller ones, or host the model on SageMaker';
    return {
      code: 'payload_too_large',
      message: `${outOfMemory}: ${reason}; ${advice}`,
    };
  }
  return { code: 'model_rejected_input', message: `the model refused to run: ${reason}` };
}

/** The binding knows an element type that it cannot pass only by its number (onnx.proto3, TensorProto.DataType). */
function nameType(reason: string): string {
  return reason.replace(/^Unsupported data type: (\d+)$/, (_, type) =>
    type === '16'
      ? 'an input or output is BF16, which the CPU host cannot pass; export the model with FP32 or FP16'
      : `an input or output is of ONNX element type ${type}, which the CPU host cannot pass`,
  );
}
