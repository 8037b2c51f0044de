import { type Supervisor, supervise } from '../supervisor.ts';

export interface EndpointDefinition {
  /** The multi-model endpoint. */
  readonly endpointName: string;
  /** The endpoint of language models, one inference component each. */
  readonly llmEndpointName?: string;
  /** How its container frames what it streams: LMI's lines of JSON, or server-sent events as vLLM's own server. */
  readonly framing: 'jsonlines' | 'sse';
  readonly bucket: string;
  /** URL of S3; the archives lie under `serving/`. */
  readonly s3Url: string;
  /** Bytes of models that are kept loaded. */
  readonly cacheBytes: number;
  readonly maxBytes: number;
  readonly timeoutSeconds: number;
}

type Settings = Pick<EndpointDefinition, 'cacheBytes' | 'maxBytes' | 'timeoutSeconds' | 'framing'>;

interface SagemakerOptions extends Partial<Settings> {
  readonly endpointName: string;
  readonly llmEndpointName?: string;
  /** Says where the archives are: AWS_ENDPOINT_URL_S3 and ARTIFACTS_BUCKET. */
  readonly environment: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Start the endpoint's process when it is first invoked. */
  readonly lazy?: boolean;
}

/** By default as AWS has them. */
const settings: Settings = {
  cacheBytes: 1_000_000_000,
  maxBytes: 6_291_456,
  timeoutSeconds: 60,
  framing: 'jsonlines',
};

/** SageMaker Runtime on 127.0.0.1 with a multi-model endpoint and one of language models, in a process of their own. */
export function startSagemaker({ port, lazy, environment, ...definition }: SagemakerOptions): Promise<Supervisor> {
  const { AWS_ENDPOINT_URL_S3: s3Url = '', ARTIFACTS_BUCKET: bucket = '' } = environment;
  const endpoint: EndpointDefinition = { ...settings, ...definition, s3Url, bucket };
  return supervise({
    name: `sagemaker ${endpoint.endpointName}`,
    module: new URL('./endpoint.ts', import.meta.url),
    argument: endpoint,
    environment: {},
    silenceSeconds: endpoint.timeoutSeconds + 5,
    ...(port === undefined ? {} : { port }),
    ...(lazy === undefined ? {} : { lazy }),
  });
}
