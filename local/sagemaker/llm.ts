import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { ServiceError, toServiceError } from '../../functions/errors.ts';
import type { createGenerator } from '../../functions/host/answer-generate-event.ts';
import type { GenerateLine } from '../../functions/host/generate-event.ts';
import type { GenerationServices } from '../../functions/http/openai-answer.ts';
import { completeChat } from '../../functions/http/openai-chat.ts';
import { completeText } from '../../functions/http/openai-completions.ts';
import { type ModelManifest, modelManifestSchema } from '../../functions/registry/model-manifest.ts';
import { inferenceComponentName, parseModelFileKey } from '../../functions/storage/object-keys.ts';
import { AwsError, notImplemented } from '../aws-error.ts';
import { encodeEventMessage } from '../event-stream.ts';
import { type Exchange, modelError, readMessage, validationError } from './invoke-endpoint.ts';
import type { createObjects } from './objects.ts';
import type { EndpointDefinition } from './start-sagemaker.ts';

type Endpoint = Pick<EndpointDefinition, 'framing' | 'maxBytes' | 'timeoutSeconds'>;

/**
 * An endpoint of language models: every package in the bucket is an inference component, in which LMI's container would
 * run it with vLLM. Here the CPU generator does, with the same OpenAI API in front of it.
 * Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
 */
export function createLlm(
  { framing, maxBytes, timeoutSeconds }: Endpoint,
  generator: ReturnType<typeof createGenerator>,
  objects: Pick<ReturnType<typeof createObjects>, 'read' | 'list'>,
): (exchange: Exchange) => Promise<void> {
  const manifests = new Map<string, ModelManifest>();

  async function findManifest(component: string): Promise<ModelManifest> {
    const known = manifests.get(component);
    if (known) return known;
    for (const key of await objects.list('models/')) {
      const parsed = parseModelFileKey(key);
      if (parsed?.path !== 'model.json' || inferenceComponentName(parsed.model, parsed.version) !== component) continue;
      const manifest = modelManifestSchema.parse(JSON.parse(String(await objects.read(key))));
      manifests.set(component, manifest);
      return manifest;
    }
    throw validationError(`Inference component ${component} of account 000000000000 not found.`);
  }

  return async ({ request, response, operation }) => {
    if (operation !== 'InvokeEndpointWithResponseStream') throw notImplemented(`${operation} of a language model`);
    const component = request.headers['x-amzn-sagemaker-inference-component'];
    if (typeof component !== 'string') throw validationError('Inference component name is required.');
    const manifest = await findManifest(component);
    if (!Object.hasOwn(manifest.files, manifest.model)) throw notImplemented(`${operation} of a package without ONNX`);
    const body = await readMessage(request, maxBytes);
    const deadline = Date.now() + timeoutSeconds * 1000;
    const stream = await complete(body, manifest, deadline, generator).catch((error: unknown) => {
      throw error instanceof AwsError ? error : containerError(toServiceError(error));
    });
    await send(stream, response, framing);
  };
}

/** The container's answer, as server-sent events. */
async function complete(
  body: Buffer,
  manifest: ModelManifest,
  deadline: number,
  generator: ReturnType<typeof createGenerator>,
): Promise<Readable> {
  const { adapters, ...given } = JSON.parse(body.toString()) as { adapters?: unknown; messages?: unknown };
  if (adapters !== undefined) throw notImplemented('a request for an adapter');
  const services: GenerationServices = {
    readModelEntry: async (name) => ({ name, aliases: { production: '1' }, versions: ['1'], revision: 1 }),
    readModel: async () => ({ manifest, inputs: [], outputs: [], assets: {} }),
    async *generate({ manifest: own }, request) {
      for await (const text of generator({ operation: 'generate', manifest: own, deadline, request })) {
        const line = JSON.parse(text) as GenerateLine;
        if (line.kind === 'error') throw new ServiceError(line.error.code, line.error.message);
        yield line;
      }
    },
  };
  const answer = given.messages === undefined ? completeText : completeChat;
  const request = { method: 'POST', path: '/invocations', parameters: {}, query: {}, headers: {}, requestId: 'local' };
  const content = Buffer.from(JSON.stringify({ model: manifest.name, ...given }));
  return (await answer({ ...request, body: content, deadline }, services)).body as Readable;
}

function containerError({ status, message }: ServiceError) {
  const original = JSON.stringify({ object: 'error', message, code: status });
  const kind = status < 500 ? 'client' : 'server';
  return modelError(status, original, `Received ${kind} error (${status}) from model with message "${original}".`);
}

/** One frame for each event. Where the caller has gone, the generation ends. */
async function send(events: Readable, response: ServerResponse, framing: EndpointDefinition['framing']): Promise<void> {
  response.once('close', () => events.destroy());
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-sagemaker-content-type': framing === 'sse' ? 'text/event-stream' : 'application/jsonlines',
    'x-amzn-invoked-production-variant': 'AllTraffic',
  });
  const headers = {
    ':event-type': 'PayloadPart',
    ':content-type': 'application/octet-stream',
    ':message-type': 'event',
  };
  for await (const event of events as AsyncIterable<string>) {
    const text = framing === 'sse' ? event : event.replace(/^data: (?:\[DONE\])?/, '').trimEnd();
    const frame = encodeEventMessage(headers, Buffer.from(framing === 'sse' ? text : `${text}\n`));
    await new Promise<void>((resolve) => response.write(frame, () => resolve()));
  }
  response.end();
}
