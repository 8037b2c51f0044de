import type { ModelManifest } from '../registry/model-manifest.ts';
import type { InferAnswer, InferItem, ItemAnswer } from './infer-event.ts';

/** Infer events and their answers as JSON. Bodies are base64 already and pass from buffer to buffer (inference/base64.ts). */

const bodyField = '"body":"';

/** An event that asks for `requests`. */
export function renderInferEvent(manifest: ModelManifest, requests: readonly InferItem<Buffer>[]): Buffer {
  return renderList(`{"operation":"infer","manifest":${JSON.stringify(manifest)},"requests":[`, requests);
}

export function renderInferAnswer(answer: InferAnswer): Buffer {
  return 'answers' in answer ? renderList('{"answers":[', answer.answers) : Buffer.from(JSON.stringify(answer));
}

function renderList(head: string, items: readonly (InferItem<Buffer> | ItemAnswer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(head)];
  for (const [index, item] of items.entries()) {
    const comma = index === 0 ? '' : ',';
    if ('body' in item) {
      const { body, ...fields } = item;
      pieces.push(Buffer.from(`${comma}${JSON.stringify(fields).slice(0, -1)},${bodyField}`), body, Buffer.from('"}'));
    } else pieces.push(Buffer.from(comma + JSON.stringify(item)));
  }
  pieces.push(Buffer.from(']}'));
  return Buffer.concat(pieces);
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
