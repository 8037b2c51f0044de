import { Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import type { FunctionName } from '../functions/manifest.ts';
import { inputPrefixes } from '../functions/storage/object-keys.ts';
import { allow } from './allow.ts';
import type { LambentFunction } from './constructs/lambent-function.ts';
import type { StorageStack } from './stacks/storage-stack.ts';

/** The LLM host: an endpoint, and the inference components on it. */
export interface LlmHost {
  readonly endpoint: CfnEndpoint;
  readonly components: readonly string[];
}

/** SageMaker asks for both: the endpoint, and the component that is to answer. */
function grantGeneration(role: Role, { endpoint, components }: LlmHost): void {
  const { partition, region, account } = Stack.of(role);
  const actions = ['sagemaker:InvokeEndpointWithResponseStream'];
  allow(role, { actions, resource: endpoint.ref });
  for (const component of components) {
    allow(role, {
      actions,
      resource: `arn:${partition}:sagemaker:${region}:${account}:inference-component/${component}`,
    });
  }
}

/** Who may do what: one function, its actions, one resource at a time. */
export function grantAccess(
  functions: Readonly<Record<FunctionName, LambentFunction>>,
  storage: StorageStack,
  endpoint?: CfnEndpoint,
  llm?: LlmHost,
): void {
  const {
    api,
    infer,
    'register-model': registerModel,
    'predict-inbox': predictInbox,
    'run-batch': runBatch,
    evaluate,
  } = functions;
  const table = storage.table.tableArn;
  const invokeInfer = { actions: ['lambda:InvokeFunction'], resource: infer.handler.functionArn };
  const readPackages = {
    actions: ['s3:GetObject'],
    resource: storage.modelPackagesArn,
    wildcardReason: 'Model packages are added all the time; the prefix holds nothing else.',
  };

  allow(api.role, readPackages);
  // Uploads by presigned URL are made in the name of the function that signs them.
  allow(api.role, { ...readPackages, actions: ['s3:PutObject'] });
  // As for register-model: what is not there must be told from what is not allowed.
  allow(api.role, { actions: ['s3:ListBucket'], resource: storage.artifacts.bucket.bucketArn });
  allow(api.role, {
    actions: ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`),
    resource: table,
  });
  allow(api.role, { actions: ['secretsmanager:GetSecretValue'], resource: storage.apiKeyPepper.secretArn });
  const files = 'Callers keep files under ids; the prefix holds nothing else.';
  allow(api.role, {
    actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
    resource: storage.dataArn('files'),
    wildcardReason: files,
  });
  allow(api.role, {
    actions: ['s3:GetObject', 's3:PutObject'],
    resource: storage.dataArn('work/uploads'),
    wildcardReason: 'Parts of uploads have ids of their own; the prefix holds nothing else.',
  });
  grantJobs(api.role, storage);
  allow(api.role, {
    actions: ['s3:PutObject'],
    resource: storage.dataArn('jobs'),
    wildcardReason: 'Jobs have any name; the prefix holds nothing else.',
  });
  allow(api.role, invokeInfer);
  if (endpoint) allow(api.role, { actions: ['sagemaker:InvokeEndpoint'], resource: endpoint.ref });
  if (llm) grantGeneration(api.role, llm);

  allow(infer.role, readPackages);

  allow(registerModel.role, readPackages);
  allow(registerModel.role, {
    actions: ['s3:GetObject', 's3:PutObject'],
    resource: storage.tritonArchivesArn,
    wildcardReason: 'One archive per model version; the prefix holds nothing else.',
  });
  allow(registerModel.role, {
    actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'],
    resource: table,
  });
  // Without it S3 answers 403 for a file that model.json names and that was not uploaded; it must say 404.
  allow(registerModel.role, { actions: ['s3:ListBucket'], resource: storage.artifacts.bucket.bucketArn });
  allow(registerModel.role, invokeInfer);

  allow(predictInbox.role, readPackages);
  const uploads = 'Uploads have any name; the prefix holds nothing else.';
  allow(predictInbox.role, { actions: ['s3:GetObject'], resource: storage.dataArn('inbox'), wildcardReason: uploads });
  const answers = 'One answer per upload; the prefix holds nothing else.';
  const readAndWrite = { actions: ['s3:GetObject', 's3:PutObject'], wildcardReason: answers };
  allow(predictInbox.role, { ...readAndWrite, resource: storage.dataArn('answers') });
  allow(predictInbox.role, {
    actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    resource: storage.dataArn('outbox'),
    wildcardReason: answers,
  });
  // As above: what is not there must be a 404.
  allow(predictInbox.role, { actions: ['s3:ListBucket'], resource: storage.data.bucket.bucketArn });
  allow(predictInbox.role, { actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resource: table });
  allow(predictInbox.role, invokeInfer);
  if (endpoint) allow(predictInbox.role, { actions: ['sagemaker:InvokeEndpoint'], resource: endpoint.ref });

  allow(runBatch.role, readPackages);
  grantJobs(runBatch.role, storage);
  const outcomes = 'Jobs have any name; the prefix holds nothing else.';
  allow(runBatch.role, {
    actions: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
    resource: storage.dataArn('work/jobs'),
    wildcardReason: outcomes,
  });
  allow(runBatch.role, {
    actions: ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
    resource: storage.dataArn('results'),
    wildcardReason: outcomes,
  });
  // Output and error files of batches.
  allow(runBatch.role, {
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resource: storage.dataArn('files'),
    wildcardReason: files,
  });
  allow(runBatch.role, { actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'], resource: table });
  allow(runBatch.role, invokeInfer);
  if (endpoint) allow(runBatch.role, { actions: ['sagemaker:InvokeEndpoint'], resource: endpoint.ref });
  if (llm) grantGeneration(runBatch.role, llm);

  // The records of the worst answers lie where the job has read them.
  grantJobs(evaluate.role, storage);
  for (const prefix of ['reports', 'evaluations']) {
    const resource = storage.dataArn(prefix);
    allow(evaluate.role, { actions: ['s3:GetObject', 's3:PutObject'], resource, wildcardReason: outcomes });
    // Reports are shown and compared, and decide whether an alias may move.
    allow(api.role, { actions: ['s3:GetObject'], resource, wildcardReason: outcomes });
  }
  // Why a message was given up.
  allow(evaluate.role, { actions: ['dynamodb:PutItem'], resource: table });

  grantDatasets(functions['prepare-dataset'], storage);
}

/** What was uploaded may be read and never be written: it would wake the function again. */
function grantDatasets({ role }: LambentFunction, storage: StorageStack): void {
  const wildcardReason = 'Objects of data sets have any name; the prefix holds nothing else.';
  const read = ['s3:GetObject'];
  // Large objects are written in parts; those of a write that fails are taken away.
  const write = [...read, 's3:PutObject', 's3:AbortMultipartUpload'];
  allow(role, { actions: read, resource: storage.dataArn('raw'), wildcardReason });
  allow(role, { actions: write, resource: storage.dataArn('work/datasets'), wildcardReason });
  allow(role, { actions: [...write, 's3:DeleteObject'], resource: storage.dataArn('prepared'), wildcardReason });
  allow(role, { actions: ['s3:ListBucket'], resource: storage.data.bucket.bucketArn });
  allow(role, { actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resource: storage.table.tableArn });
}

/** What a job may be asked about, and what has come of it. */
function grantJobs(role: Role, storage: StorageStack): void {
  for (const prefix of [...inputPrefixes.map((one) => one.slice(0, -1)), 'prepared', 'results']) {
    allow(role, {
      actions: ['s3:GetObject'],
      resource: storage.dataArn(prefix),
      wildcardReason: 'Data sets, files and jobs have any name; the prefix holds nothing else.',
    });
  }
  // As above: what is not there must be a 404.
  allow(role, { actions: ['s3:ListBucket'], resource: storage.data.bucket.bucketArn });
}
