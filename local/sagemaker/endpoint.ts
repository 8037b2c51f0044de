import { createModelHost } from '../../functions/host/create-model-host.ts';
import { AwsError } from '../aws-error.ts';
import { startStandIn } from '../stand-in-server.ts';
import { serveSupervised } from '../supervised.ts';
import { invokeEndpoint, readOperation, validationError } from './invoke-endpoint.ts';
import type { EndpointDefinition } from './start-sagemaker.ts';
import { createTriton } from './triton.ts';

/** The process of a multi-model endpoint; supervise() starts it with the endpoint's definition as its argument. */
const endpoint: EndpointDefinition = JSON.parse(process.argv[2] ?? '{}');
const { bucket, s3Url, cacheBytes } = endpoint;
let retire = () => {};

/** GetObject as S3's REST API has it; the stand-in asks for no signature. */
async function fetchArchive(targetModel: string): Promise<Uint8Array> {
  const key = `serving/${targetModel}`;
  const answer = await fetch(`${s3Url}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`);
  if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  if (answer.status !== 404) throw new AwsError(500, 'InternalFailure', `S3 answered ${answer.status} for ${key}`);
  throw validationError(
    `Failed to download model data(bucket: ${bucket}, key: ${key}). Please ensure that there is an object located at ` +
      'the URL and that the role passed to CreateModel has permissions to download the model.',
  );
}

const triton = createTriton(createModelHost({ cacheBytes }), cacheBytes, fetchArchive);
const standIn = await startStandIn({
  operation: readOperation,
  handle: (request, response, operation) =>
    invokeEndpoint(endpoint, triton, { request, response, operation }, () => retire()),
});
retire = serveSupervised(standIn.server);
