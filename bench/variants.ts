import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeInferResponse, encodeInferRequest } from '../functions/inference/binary-tensor.ts';
import type { Tensor } from '../functions/inference/protocol.ts';
import { elementsOf } from '../functions/inference/tensor.ts';
import { type Answer, type Caller, createCaller, type PreparedRequest } from './load.ts';
import { type BenchModel, inputsPerModel, models } from './models.ts';
import { end, type Server, startServer } from './processes.ts';

export const callers = 64;

/** A server under test, and the form in which it is asked. */
export interface Variant {
  readonly name: string;
  readonly description: string;
  readonly processId: number;
  readonly caller: Caller;
  prepare(model: BenchModel): PreparedRequest[];
  readOutput(answer: Answer): Float32Array;
}

export interface Variants {
  readonly all: readonly Variant[];
  close(): Promise<void>;
}

type Form = Pick<Variant, 'readOutput'> & { encode(inputs: Tensor[]): Omit<PreparedRequest, 'path'> };

const json: Form = {
  encode: (inputs) => {
    const body = {
      inputs: inputs.map(({ data: _, ...tensor }, index) => ({ ...tensor, data: numbers(inputs[index]!) })),
    };
    return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
  },
  readOutput: ({ body }) => Float32Array.from(JSON.parse(body.toString()).outputs[0].data),
};

const binary: Form = {
  encode: (inputs) => {
    const { body, headerLength } = encodeInferRequest({ inputs });
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(headerLength),
    };
    return { headers, body };
  },
  readOutput: ({ headers, body }) => {
    const { outputs } = decodeInferResponse(body, Number(headers['inference-header-content-length']));
    return elementsOf({ ...outputs[0]!, datatype: 'FP32' });
  },
};

function numbers(tensor: Tensor): number[] {
  return Array.from(
    elementsOf({ ...tensor, datatype: tensor.datatype as 'FP32' | 'INT64' }) as ArrayLike<number>,
    Number,
  );
}

/** Starts the peers and the platform, all with the packages of `folder`. */
export async function startVariants(folder: string): Promise<Variants> {
  const state = await mkdtemp(join(tmpdir(), 'lambent-bench-'));
  const fastify = await startServer(['bench/peers/fastify.ts', folder]);
  const bare = await startServer(['bench/peers/bare.ts', folder]);
  const lambent = await startServer(['local/main.ts'], { PORT: '0', LAMBENT_STATE: state });
  for (const { name } of models) await push(join(folder, name), state);
  const key = { 'x-api-key': /lam_\S+/.exec(lambent.printed)![0] };
  return {
    all: [
      variant('fastify', 'fastify, JSON tensors, onnxruntime-node', fastify, json),
      variant('bare', 'node:http, binary tensors, onnxruntime-node', bare, binary),
      variant('lambent', 'the whole platform, binary tensors', lambent, binary, key),
      variant('lambent-json', 'the whole platform, JSON tensors', lambent, json, key),
    ],
    async close() {
      await Promise.all([fastify, bare, lambent].map((server) => end(server.process)));
      await rm(state, { recursive: true, force: true });
    },
  };
}

/** As an owner does, by `npm run push`. */
export async function push(folder: string, state: string): Promise<void> {
  const environment = { ...process.env, LAMBENT_STATE: state };
  const { stdout } = await promisify(execFile)(process.execPath, ['commands/push.ts', folder], { env: environment });
  if (!stdout.includes('READY')) throw new Error(`${folder} was not registered: ${stdout}`);
}

function variant(
  name: string,
  description: string,
  { process: { pid }, url }: Server,
  form: Form,
  key: Record<string, string> = {},
): Variant {
  return {
    name,
    description,
    processId: pid!,
    caller: createCaller(url, callers),
    readOutput: form.readOutput,
    prepare: (model) =>
      Array.from({ length: inputsPerModel }, (_, seed) => {
        const { headers, body } = form.encode(model.inputs(seed));
        return { path: `/v2/models/${model.name}/infer`, headers: { ...headers, ...key }, body };
      }),
  };
}
