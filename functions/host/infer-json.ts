import { base64Length, countSeparators, writeBase64 } from '../inference/base64.ts';
import { encodeInferRequest, reusedMemory } from '../inference/binary-tensor.ts';
import type { InferRequest } from '../inference/protocol.ts';
import type { ModelManifest } from '../registry/model-manifest.ts';
import type { InferAnswer } from './infer-event.ts';

/** Infer events and their answers as JSON. Tensors pass from buffer to buffer, see inference/base64.ts. */

const bodyField = '"body":"';
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

export function renderInferAnswer(answer: InferAnswer): Buffer {
  if (!('answers' in answer)) return Buffer.from(JSON.stringify(answer));
  const pieces: Buffer[] = [];
  for (const item of answer.answers) {
    const comma = pieces.length === 0 ? '{"answers":[' : ',';
    if ('body' in item) {
      const { body, ...fields } = item;
      pieces.push(Buffer.from(`${comma}${JSON.stringify(fields).slice(0, -1)},${bodyField}`), body, Buffer.from('"}'));
    } else pieces.push(Buffer.from(comma + JSON.stringify(item)));
  }
  return Buffer.concat([...pieces, Buffer.from(pieces.length === 0 ? '{"answers":[]}' : ']}')]);
}

/** Bodies are views of `json`. Throws SyntaxError. */
export function parseInferAnswer(json: Buffer): InferAnswer {
  const bodies: Buffer[] = [];
  let rest = '';
  let at = 0;
  // Within a string the quotes of this field would be escaped; base64 has none.
  for (let found = json.indexOf(bodyField); found >= 0; found = json.indexOf(bodyField, at)) {
    const start = found + bodyField.length;
    const end = json.indexOf('"', start);
    rest += json.toString('utf8', at, start) + bodies.length;
    bodies.push(json.subarray(start, end));
    at = end;
    if (end < 0) break;
  }
  const answer = JSON.parse(rest + json.toString('utf8', at)) as InferAnswer;
  if (!('answers' in answer)) return answer;
  const answers = answer.answers.map((one) => ('body' in one ? { ...one, body: bodies[Number(one.body)]! } : one));
  return { answers };
}
