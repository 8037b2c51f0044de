import type { IncomingMessage } from 'node:http';
import { createGenerator } from '../../functions/host/answer-generate-event.ts';
import { createModelHost } from '../../functions/host/create-model-host.ts';
import { startStandIn } from '../stand-in-server.ts';
import { serveSupervised } from '../supervised.ts';
import { invokeEndpoint, readOperation, validationError } from './invoke-endpoint.ts';
import { createLlm } from './llm.ts';
import { createObjects } from './objects.ts';
import type { EndpointDefinition } from './start-sagemaker.ts';
import { createTriton } from './triton.ts';

/** The process of the endpoints; supervise() starts it with their definition as its argument. */
const endpoint: EndpointDefinition = JSON.parse(process.argv[2] ?? '{}');
const { bucket, s3Url, cacheBytes } = endpoint;
let retire = () => {};

const objects = createObjects({ s3Url, bucket });

async function fetchArchive(targetModel: string): Promise<Uint8Array> {
  const key = `serving/${targetModel}`;
  const archive = await objects.read(key);
  if (archive) return archive;
  throw validationError(
    `Failed to download model data(bucket: ${bucket}, key: ${key}). Please ensure that there is an object located at ` +
      'the URL and that the role passed to CreateModel has permissions to download the model.',
  );
}

const host = createModelHost({ cacheBytes });
const llm = createLlm(endpoint, createGenerator(host, objects.readPackageFile), objects);
const triton = createTriton(host, cacheBytes, fetchArchive);
const isLlm = ({ url = '' }: IncomingMessage) => url.split('/')[2] === endpoint.llmEndpointName;
const standIn = await startStandIn({
  operation: readOperation,
  handle: (request, response, operation) =>
    isLlm(request)
      ? llm({ request, response, operation })
      : invokeEndpoint(endpoint, triton, { request, response, operation }, () => retire()),
});
retire = serveSupervised(standIn.server);
