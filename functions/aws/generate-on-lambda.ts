import {
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamResponseEvent,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import type { Config } from '../config.ts';
import { ServiceError } from '../errors.ts';
import type { GenerateEvent, GenerateLine } from '../host/generate-event.ts';
import { type GenerateOn, incomplete, readHostStream } from './host-stream.ts';
import { readFailure } from './read-failure.ts';
import { type AttemptOptions, clientSettings } from './retry.ts';

/**
 * Texts from the CPU host, the `infer` function, as it generates them. What follows the last line is not trusted: a
 * stream that ends without the generator's own end is host_unavailable. Errors: docs/errors.md.
 */
export function createLambdaGenerator({ INFER_FUNCTION_NAME }: Pick<Config, 'INFER_FUNCTION_NAME'>): GenerateOn {
  const client = new LambdaClient(clientSettings);

  return async function* generate({ manifest }, request, patience) {
    if (!INFER_FUNCTION_NAME) {
      throw new ServiceError('host_unavailable', 'no CPU host is deployed (INFER_FUNCTION_NAME)');
    }
    const event: GenerateEvent = {
      operation: 'generate',
      manifest: { ...manifest, golden: [] },
      deadline: patience.deadline,
      request,
    };
    const command = new InvokeWithResponseStreamCommand({
      FunctionName: INFER_FUNCTION_NAME,
      Payload: Buffer.from(JSON.stringify(event)),
    });
    const send = async (options: AttemptOptions) => (await client.send(command, options)).EventStream;
    for await (const line of readLines(readHostStream(command, send, patience, readFailure))) {
      if (line.kind === 'error') throw new ServiceError(line.error.code, line.error.message, line.error);
      yield line;
      if (line.kind === 'end') return;
    }
    throw incomplete();
  };
}

/** Lines of JSON, however the stream cuts them. Throws where the function failed. */
async function* readLines(events: AsyncIterable<InvokeWithResponseStreamResponseEvent>): AsyncGenerator<GenerateLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const { PayloadChunk, InvokeComplete } of events) {
    if (InvokeComplete?.ErrorCode) throw incomplete(new Error(InvokeComplete.ErrorDetails));
    rest += decoder.decode(PayloadChunk?.Payload, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as GenerateLine;
  }
}
