import { decodeInferRequest, encodeInferRequest, reusedMemory } from '../functions/inference/binary-tensor.ts';
import { parseInferRequest } from '../functions/inference/parse-infer.ts';
import type { Tensor } from '../functions/inference/protocol.ts';
import { createTensor, elementsOf } from '../functions/inference/tensor.ts';
import { random } from './random.ts';
import { goal, type Section, table } from './report.ts';
import { median, spread } from './statistics.ts';

const shape = [1, 3, 224, 224];
const count = 150_528;
const noBytes = new Uint8Array(0);

interface Contest {
  readonly name: string;
  readonly peer: () => unknown;
  readonly own: () => unknown;
}

/** Tensors to and from the wire, 150,528 FP32 elements (602 KB), beside the least that any server has to do. */
export async function codec({ quick }: { quick: boolean }): Promise<Section> {
  const next = random(5);
  const pixels = Float32Array.from({ length: count }, () => next() * 4.8 - 2.1);
  const tensor = createTensor('pixel_values', 'FP32', shape, pixels);
  const contests = [
    binary('binary', tensor, keptTarget(), reusedMemory()),
    binary('binary, each message in new memory', tensor, Buffer.allocUnsafeSlow, Buffer.allocUnsafeSlow),
    json('JSON, 17 digits, as JavaScript and Python print floats', tensor, (value) => String(value)),
    json('JSON, 7 digits', tensor, (value) => String(Number(value.toPrecision(7)))),
  ];
  const rounds = quick ? 15 : 61;
  const results = contests.map((contest) => ({ contest, ...run(contest, rounds) }));
  const [bytes, , long] = results.map(({ own, peer }) => median(own) / median(peer));
  const rows = results.map(({ contest, own, peer }) => {
    return [contest.name, spread(peer, 3), spread(own, 3), (median(own) / median(peer)).toFixed(2)];
  });
  return {
    title: 'Tensor codec',
    goals: [
      goal('JSON request of 602 KB FP32: parse, of JSON.parse + copy', { most: 0.5 }, long!, '×'),
      goal('binary, 602 KB: encode + decode, of a memcpy of the same bytes', { most: 1.5 }, bytes!, '×'),
    ],
    text: `One tensor of ${count.toLocaleString('en')} FP32 elements. JSON: from the bytes of the request's body to a request with a checked tensor, beside
\`JSON.parse(body)\` and \`new Float32Array(data)\`. Binary: from a tensor to the bytes of a request and back to a tensor whose elements
are read in place, with the JSON header written, parsed and checked, beside \`Buffer.copy\` of the same 602,112 bytes into a buffer that
has been written before; the platform's calls of the CPU host reuse the memory of a message in the same way (\`reusedMemory\`). The
second row gives both sides new memory for each message. ${rounds} rounds, in turn; the rows in this order, in one process.

${table(['', 'peer, ms', 'Lambent, ms', 'ratio'], rows)}`,
  };
}

function json(name: string, tensor: Tensor, print: (value: number) => string): Contest {
  const data = Array.from(elementsOf({ ...tensor, datatype: 'FP32' }), print);
  const head = `"name":"pixel_values","datatype":"FP32","shape":[${shape}]`;
  const body = Buffer.from(`{"inputs":[{${head},"data":[${data.join(',')}]}]}`);
  const peer = () => new Float32Array(JSON.parse(body.toString()).inputs[0].data);
  const own = () => elementsOf({ ...parseInferRequest(body, noBytes).inputs[0]!, datatype: 'FP32' });
  const [expected, given] = [peer(), own()];
  if (expected.some((value, index) => value !== given[index])) throw new Error(`${name}: the numbers differ`);
  return { name: `${name} (${(body.length / 1e6).toFixed(1)} MB)`, peer, own };
}

type Allocate = (bytes: number) => Buffer;

function binary(name: string, tensor: Tensor, peerMemory: Allocate, ownMemory: Allocate): Contest {
  const source = Buffer.from(tensor.data.buffer as ArrayBuffer);
  const own = () => {
    const { body, headerLength } = encodeInferRequest({ inputs: [tensor] }, ownMemory);
    return elementsOf({ ...decodeInferRequest(body, headerLength).inputs[0]!, datatype: 'FP32' });
  };
  if (Buffer.compare(Buffer.from(own().slice().buffer), source) !== 0) throw new Error('binary: the bytes differ');
  return { name, peer: () => source.copy(peerMemory(source.length)), own };
}

/** One buffer whose pages have been written: what is left is the copy. */
function keptTarget(): Allocate {
  const target = Buffer.alloc(count * 4, 1);
  return () => target;
}

/** Milliseconds per call, of both in turn; many calls where one is too short for the clock. */
function run({ peer, own }: Contest, rounds: number): { peer: number[]; own: number[] } {
  const times = { peer: [] as number[], own: [] as number[] };
  const calls = Math.max(1, Math.round(10 / time(peer, 3)));
  for (let warm = 0; warm < 8; warm++) for (const call of [peer, own]) time(call, calls);
  for (let round = 0; round < rounds; round++) {
    times.peer.push(time(peer, calls));
    times.own.push(time(own, calls));
  }
  return times;
}

function time(call: () => unknown, calls: number): number {
  const started = performance.now();
  for (let index = 0; index < calls; index++) call();
  return (performance.now() - started) / calls;
}
