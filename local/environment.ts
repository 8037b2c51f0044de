/** Names of what infra lets CloudFormation name. */
export const resources = {
  TABLE_NAME: 'lambent',
  ARTIFACTS_BUCKET: 'lambent-artifacts',
  DATA_BUCKET: 'lambent-data',
  INFER_FUNCTION_NAME: 'infer',
  SAGEMAKER_ENDPOINT_NAME: 'lambent',
  LLM_ENDPOINT_NAME: 'lambent-llm',
  API_KEY_PEPPER_SECRET_ID: 'api-key-pepper',
} as const;

/** Settings that could lead the SDK to a real account. */
const foreign = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL', 'AWS_CA_BUNDLE'];

export type StandInUrls = Readonly<
  Record<'S3' | 'SQS' | 'DYNAMODB' | 'SECRETS_MANAGER' | 'LAMBDA' | 'SAGEMAKER_RUNTIME', string>
>;

/** The environment of the functions on this machine: the same names as on AWS, and the stand-ins' URLs for the SDK. */
export function localEnvironment(urls: Partial<StandInUrls>): Record<string, string> {
  return {
    ...resources,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...Object.fromEntries(Object.entries(urls).map(([service, url]) => [`AWS_ENDPOINT_URL_${service}`, url])),
  };
}

/** Puts `environment` in force for this process and for those that it starts. */
export function applyEnvironment(environment: Record<string, string>): void {
  for (const name of foreign) delete process.env[name];
  Object.assign(process.env, environment);
}
