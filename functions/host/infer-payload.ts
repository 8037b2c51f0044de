import { base64Length, countSeparators, writeBase64 } from '../inference/base64.ts';
import { encodeInferRequest, reusedMemory } from '../inference/binary-tensor.ts';
import type { InferRequest } from '../inference/protocol.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';
import type { InferAnswer, ItemAnswer } from './infer-event.ts';

/**
 * What `api` and the `infer` function send each other. Lambda takes JSON, so tensors are base64 in an event; what a
 * function writes may be any bytes.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/java-handler-io-type-stream.html
 */

const separator = '","';
/** Room for what an event says of one request besides its body. */
const itemBytes = 128;
/** A request is turned into base64 before the next one is encoded. */
const memory = reusedMemory();

/** A request on its way; `bytes`: countRequestBytes(request). */
export interface OutgoingRequest {
  readonly request: InferRequest;
  readonly bytes: number;
  readonly deadline: number;
}

/** An event that asks for `requests`. */
export function renderInferEvent(manifest: ModelManifest, requests: readonly OutgoingRequest[]): Buffer {
  const head = Buffer.from(`{"operation":"infer","manifest":${JSON.stringify(manifest)},"requests":[`);
  const lengths = requests.map(
    ({ bytes }) => itemBytes + base64Length(bytes) + countSeparators(bytes) * separator.length,
  );
  const most = lengths.reduce((sum, length) => sum + length, head.length + itemBytes);
  const event = Buffer.allocUnsafeSlow(most);
  let end = head.copy(event);
  let comma = '';
  for (const { request, deadline } of requests) {
    const { headerLength, body } = encodeInferRequest(request, memory);
    end += event.write(`${comma}{"deadline":${deadline},"headerLength":${headerLength},"body":["`, end, 'latin1');
    end = writeBase64(body, event, end, separator);
    end += event.write('"]}', end, 'latin1');
    comma = ',';
  }
  end += event.write(']}', end, 'latin1');
  return event.subarray(0, end);
}

/** JSON; where it has the lengths of bodies, then a line feed and these, each at a multiple of 8. */
export function renderInferAnswer(answer: InferAnswer): Buffer {
  const bodies: Buffer[] = [];
  const declare = (item: ItemAnswer) => {
    if (!('body' in item)) return item;
    bodies.push(item.body, padding(item.body.length));
    return { ...item, body: item.body.length };
  };
  const json = JSON.stringify('answers' in answer ? { answers: answer.answers.map(declare) } : answer);
  if (bodies.length === 0) return Buffer.from(json);
  const line = Buffer.from(`${json}\n`);
  return Buffer.concat([line, padding(line.length), ...bodies]);
}

/** Bodies are views of `payload`. Throws SyntaxError. */
export function parseInferAnswer(payload: Buffer): InferAnswer {
  const lineLength = payload.indexOf('\n') + 1 || payload.length;
  const answer = JSON.parse(payload.toString('utf8', 0, lineLength));
  if (!('answers' in answer)) return answer;
  let at = aligned(lineLength);
  const read = (item: { body?: unknown }) => {
    if (item.body === undefined) return item;
    const length = Number(item.body);
    const body = payload.subarray(at, at + length);
    if (body.length !== length) throw new SyntaxError(`${payload.length} bytes hold no body of ${item.body}`);
    at += aligned(length);
    return { ...item, body };
  };
  return { answers: answer.answers.map(read) };
}

/** Tensors at such places need not be copied to be read. */
function aligned(position: number): number {
  return Math.ceil(position / 8) * 8;
}

function padding(length: number): Buffer {
  return Buffer.alloc(aligned(length) - length);
}
