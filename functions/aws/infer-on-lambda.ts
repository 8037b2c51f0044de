import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import { type InferAnswer, type InferEvent, type ItemAnswer, maxPayloadBytes } from '../host/infer-event.ts';
import { type OutgoingRequest, parseInferAnswer, renderInferEvent } from '../host/infer-payload.ts';
import { base64Length } from '../inference/base64.ts';
import { countRequestBytes, decodeInferResponse } from '../inference/binary-tensor.ts';
import type { InferRequest } from '../inference/protocol.ts';
import type { ModelManifest, ModelVersion } from '../registry/model-manifest.ts';
import type { InferResult, Services } from '../services.ts';
import { readFailure } from './read-failure.ts';
import { clientSettings, retry } from './retry.ts';
import { travelTogether } from './travel-together.ts';

type Described = Awaited<ReturnType<Services['describe']>>;

/** Calls of one model that may be under way from one instance: one that runs, and one that is on its way. */
const maxCallsInFlight = 2;
/** Room in an event for what is not the requests' bodies. */
const envelopeBytes = 65_536;

interface Passenger extends OutgoingRequest {
  readonly manifest: ModelManifest;
}

/** The CPU host, the `infer` function. Errors: docs/errors.md. */
export function createLambdaHost({ INFER_FUNCTION_NAME }: Config): Pick<Services, 'infer' | 'describe'> & {
  /** Frees the model in the instance that answers. */
  unload(manifest: ModelManifest, deadline: number): Promise<void>;
} {
  const client = new LambdaClient(clientSettings);
  /** How many times as long as its request an answer of the model has lately been: answers have to fit into one too. */
  const growth = new WeakMap<ModelManifest, number>();

  async function invoke(payload: Buffer, deadline: number): Promise<InferAnswer> {
    if (!INFER_FUNCTION_NAME)
      throw new ServiceError('host_unavailable', 'no CPU host is deployed (INFER_FUNCTION_NAME)');
    checkSize(payload.length);
    const command = new InvokeCommand({ FunctionName: INFER_FUNCTION_NAME, Payload: payload });
    const result = await retry(deadline, (options) => client.send(command, options), readFailure);
    const { buffer, byteOffset, byteLength } = result.Payload ?? Buffer.alloc(0);
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    if (result.FunctionError) throw readFunctionError(bytes.toString());
    const answer = readAnswer(bytes);
    if ('error' in answer) throw toError(answer);
    return answer;
  }

  const ask = (event: InferEvent & { deadline: number }) => invoke(Buffer.from(JSON.stringify(event)), event.deadline);

  async function send(passengers: readonly Passenger[]): Promise<readonly ItemAnswer[]> {
    const { manifest } = passengers[0]!;
    const deadline = Math.max(...passengers.map((passenger) => passenger.deadline));
    const { answers } = (await invoke(renderInferEvent(trim(manifest), passengers), deadline)) as {
      answers: ItemAnswer[];
    };
    const ratios = answers.map((answer, index) =>
      'body' in answer ? answer.body.length / base64Length(passengers[index]!.bytes) : 0,
    );
    growth.set(manifest, Math.max(...ratios));
    return answers;
  }

  const travel = travelTogether<Passenger, ItemAnswer>({
    line: ({ manifest }) => `${manifest.name}/${manifest.version}`,
    bytes: ({ manifest, bytes }) => base64Length(bytes) * Math.max(1, growth.get(manifest) ?? 1),
    maxBytes: maxPayloadBytes - envelopeBytes,
    maxInFlight: maxCallsInFlight,
    send,
  });

  return {
    async infer({ manifest }: ModelVersion, request: InferRequest, deadline: number): Promise<InferResult> {
      const passenger = { manifest, request, deadline, bytes: countRequestBytes(request) };
      let answer = await beforeDeadline(travel(passenger), deadline);
      if ('again' in answer) [answer] = (await send([passenger])) as [ItemAnswer];
      if ('error' in answer) throw toError(answer);
      if ('again' in answer) throw new ServiceError('internal', 'the CPU host sent a lone request away');
      const response = decodeInferResponse(answer.body, answer.headerLength);
      return { response, timings: answer.timings };
    },
    describe: async (manifest, deadline) =>
      (await ask({ operation: 'describe', manifest: trim(manifest), deadline })) as Described,
    async unload(manifest, deadline) {
      await ask({ operation: 'unload', manifest: trim(manifest), deadline });
    },
  };
}

/** While the functions of a new version replace the old ones, one may not understand the other. */
function readAnswer(bytes: Buffer): InferAnswer {
  try {
    return parseInferAnswer(bytes);
  } catch (cause) {
    const message = 'the answer of the CPU host cannot be read, as while a new version is deployed; repeat the request';
    throw new ServiceError('host_unavailable', message, { cause });
  }
}

/** A request may wait for others in its call that have more time than it has. */
function beforeDeadline<Value>(value: Promise<Value>, deadline: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new ServiceError('deadline_exceeded', 'the model host did not answer in time'));
    const timer = setTimeout(late, Math.max(0, deadline - Date.now()));
    value.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function toError({ error }: Extract<ItemAnswer, { error: unknown }>): ServiceError {
  return new ServiceError(error.code, error.message, error);
}

/** Golden cases and labels are of no use to the host, and can be larger than the tensors. */
function trim(manifest: ModelManifest): ModelManifest {
  const { labels, preprocessing, ...rest } = manifest;
  return { ...rest, golden: [] };
}

function checkSize(bytes: number): void {
  if (bytes <= maxPayloadBytes) return;
  const limit = `${maxPayloadBytes} (about ${Math.floor(((maxPayloadBytes / 4) * 3) / 1e5) / 10} MB of tensors)`;
  const message = `the request has ${bytes} bytes as the CPU host takes it; the limit is ${limit}`;
  throw new ServiceError('payload_too_large', `${message}; send fewer rows, or host the model on SageMaker`);
}

/**
 * The function ended without an answer of ours. Not repeated: what ran out of time or memory would do so again.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
 */
function readFunctionError(payload: string): ServiceError {
  const cause = new Error(payload);
  const { errorType = '', errorMessage = '' } = parseObject(payload);
  if (/Timedout/i.test(errorType) || /timed out after/.test(errorMessage)) {
    return new ServiceError('deadline_exceeded', 'the model ran longer than the CPU host may', { cause });
  }
  if (/ResponseSizeTooLarge/.test(errorType)) {
    const message = `the model's answer is larger than ${maxPayloadBytes} bytes, the limit of the CPU host`;
    return new ServiceError('payload_too_large', message, { cause });
  }
  const reason = /OutOfMemory|ExitError/.test(errorType) ? 'ended, most likely out of memory' : 'failed';
  return new ServiceError('host_unavailable', `the CPU host ${reason} while it worked on this request`, { cause });
}

function parseObject(text: string): { errorType?: string; errorMessage?: string } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
