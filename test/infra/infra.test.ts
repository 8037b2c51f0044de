import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32, inflateRawSync } from 'node:zlib';
import { type App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { type FunctionDefinition, functions, layersOf } from '../../functions/manifest.ts';
import { inferenceComponentName } from '../../functions/storage/object-keys.ts';
import { buildFunctions } from '../../infra/build.ts';
import { readInfraConfig } from '../../infra/config.ts';
import { createApp } from '../../infra/create-app.ts';
import { buildLayer, folderBytes, measureFunctions, zipLayer } from '../../layers/build.ts';
import { layerHash, layerPackages, packageLayers } from '../../layers/packages.ts';

const { context: flags } = JSON.parse(readFileSync('cdk.json', 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'lambent-infra-'));
const onLinuxX64 = process.platform === 'linux' && process.arch === 'x64';

/** Everything that an operator can turn on, and nothing of it. */
let full: { app: App } & Record<'storage' | 'hosting' | 'llm' | 'service', Template>;
let plain: { app: App; storage: Template; service: Template };

const assemblies = new Set<string>();

function stack(app: App, name: string): Template {
  const assembly = app.synth();
  assemblies.add(assembly.directory);
  return Template.fromJSON(assembly.getStackByName(name).template);
}

before(async () => {
  await buildFunctions(folder);
  const choices = {
    hosting: 'gpu',
    llm: 'qwen/1',
    llmToolParser: 'hermes',
    llmAdapters: '4',
    waf: 'true',
    alarmEmail: 'owner@example.com',
    monthlyBudgetUsd: '200',
    inferConcurrency: '8',
    video: 'true',
  };
  const app = createApp(folder, { ...flags, ...choices });
  full = {
    app,
    storage: stack(app, 'LambentStorage'),
    hosting: stack(app, 'LambentHosting'),
    llm: stack(app, 'LambentLlm'),
    service: stack(app, 'LambentService'),
  };
  const plainApp = createApp(folder, flags);
  plain = { app: plainApp, storage: stack(plainApp, 'LambentStorage'), service: stack(plainApp, 'LambentService') };
});

after(() => {
  for (const directory of [folder, ...assemblies]) rmSync(directory, { recursive: true, force: true });
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** `actions on resource`, one line each, of all policies attached to the role whose logical id begins like this. */
function grantsOf(template: Template, role: string): string[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')) as {
    Properties: { Roles: [{ Ref: string }]; PolicyDocument: { Statement: Statement[] } };
  }[];
  return policies
    .filter(({ Properties }) => Properties.Roles[0].Ref.startsWith(role))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      [Resource].flat().map((resource) => `${[Action].flat().join(' ')} on ${renderArn(resource)}`),
    );
}

/** An ARN as text, with the logical id where CloudFormation puts a value in. */
function renderArn(value: unknown): string {
  if (typeof value === 'string') return value.replace(/^LambentStorage:ExportsOutput(?:FnGetAtt|Ref)/, '');
  const [name, content] = Object.entries(value as Record<string, unknown>)[0]!;
  if (name === 'Fn::Join') return (content as [string, unknown[]])[1].map(renderArn).join('');
  return name === 'Fn::GetAtt' ? (content as string[]).join('.') : renderArn(content);
}

describe('storage', () => {
  test('buckets are encrypted, private, kept for ever, and those for artifacts and data are versioned and logged', () => {
    const buckets = Object.entries(plain.storage.findResources('AWS::S3::Bucket'));
    assert.equal(buckets.length, 3);
    for (const [id, bucket] of buckets) {
      assert.equal(bucket.DeletionPolicy, 'Retain');
      assert.equal(bucket.UpdateReplacePolicy, 'Retain');
      const { Properties } = bucket;
      const encryption = Properties.BucketEncryption.ServerSideEncryptionConfiguration;
      assert.deepEqual(encryption, [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }]);
      assert.deepEqual(Object.values(Properties.PublicAccessBlockConfiguration), [true, true, true, true]);
      const rules: { Id: string }[] = Properties.LifecycleConfiguration.Rules;
      const isLog = id.startsWith('AccessLogs');
      assert.deepEqual(
        rules.map(({ Id }) => Id),
        [
          'incomplete-uploads',
          isLog ? 'old-logs' : 'old-versions',
          ...(id.startsWith('Data') ? ['answers', 'files', 'work'] : []),
        ],
      );
      assert.deepEqual(Properties.VersioningConfiguration, isLog ? undefined : { Status: 'Enabled' });
      assert.equal(Properties.LoggingConfiguration === undefined, isLog);
    }
  });

  test('every bucket, queue and topic refuses whoever does not come by TLS', () => {
    const policies = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].flatMap((type) =>
      Object.values(full.storage.findResources(type)),
    );
    const queued = Object.values(functions).filter(({ trigger }) => trigger.kind === 's3');
    assert.equal(policies.length, 4 + 2 * queued.length);
    for (const { Properties } of policies) {
      const refusals = Properties.PolicyDocument.Statement.filter(
        ({ Effect, Condition }: { Effect: string; Condition?: { Bool?: Record<string, string> } }) =>
          Effect === 'Deny' && Condition?.Bool?.['aws:SecureTransport'] === 'false',
      );
      assert.equal(refusals.length, 1);
    }
  });

  test('the table is billed by the request, can be restored to any second, and cannot be deleted by accident', () => {
    plain.storage.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  test('an uploaded model.json reaches a queue that gives up after six deliveries', () => {
    plain.storage.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: {
        QueueConfigurations: [
          Match.objectLike({
            Event: 's3:ObjectCreated:*',
            Filter: {
              S3Key: {
                Rules: [
                  { Name: 'prefix', Value: 'models/' },
                  { Name: 'suffix', Value: '/model.json' },
                ],
              },
            },
          }),
        ],
      },
    });
    plain.storage.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 6 * functions['register-model'].timeoutSeconds,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 6 }),
    });
    plain.storage.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
      RedrivePolicy: Match.absent(),
    });
  });

  test('files in the inbox, whole data sets, jobs and results reach a queue, and nothing else in their bucket does', () => {
    const [, data] = Object.entries(plain.storage.findResources('AWS::S3::Bucket')).find(([id]) =>
      id.startsWith('Data'),
    )!;
    const configurations: { Filter: unknown }[] = data.Properties.NotificationConfiguration.QueueConfigurations;
    const rules = (...values: [string, string][]) => ({
      S3Key: { Rules: values.map(([Name, Value]) => ({ Name, Value })) },
    });
    assert.deepEqual(
      configurations.map(({ Filter }) => Filter),
      [
        rules(['prefix', 'inbox/']),
        rules(['prefix', 'jobs/'], ['suffix', '.json']),
        rules(['prefix', 'results/'], ['suffix', '/manifest.json']),
        rules(['prefix', 'raw/'], ['suffix', '/dataset.json']),
      ],
    );
  });

  test('only S3 of the same account may write to the queue', () => {
    plain.storage.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Principal: { Service: 's3.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });

  test('`removal: destroy` keeps neither buckets nor table nor secret', () => {
    const app = createApp(folder, { ...flags, removal: 'destroy' });
    const resources = Object.values(stack(app, 'LambentStorage').toJSON().Resources) as { DeletionPolicy?: string }[];
    assert.ok(resources.every(({ DeletionPolicy }) => DeletionPolicy !== 'Retain'));
  });
});

describe('hosting', () => {
  test('Triton serves every archive under serving/ from one GPU, in isolation', () => {
    full.hosting.hasResourceProperties('AWS::SageMaker::Model', {
      EnableNetworkIsolation: true,
      PrimaryContainer: {
        Mode: 'MultiModel',
        ModelDataUrl: { 'Fn::Join': ['', ['s3://', Match.anyValue(), '/serving/']] },
        Environment: { SAGEMAKER_TRITON_LOG_VERBOSE: 'false' },
      },
    });
    const [model] = Object.values(full.hosting.findResources('AWS::SageMaker::Model'));
    assert.match(JSON.stringify(model?.Properties.PrimaryContainer.Image), /\/sagemaker-tritonserver:24\.09-py3"/);
    full.hosting.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      DataCaptureConfig: Match.absent(),
      ProductionVariants: [
        Match.objectLike({
          InstanceType: 'ml.g4dn.xlarge',
          InitialInstanceCount: 1,
          InferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
        }),
      ],
    });
  });

  test('instances follow the requests in flight per model', () => {
    full.hosting.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      MinCapacity: 1,
      MaxCapacity: 2,
    });
    full.hosting.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: Match.objectLike({
        TargetValue: 16,
        PredefinedMetricSpecification: {
          PredefinedMetricType: 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
        },
      }),
    });
  });

  test('the container may read archives, pull its image, and write its log and metrics', () => {
    const statements = grantsOf(full.hosting, 'Execution').map((line) => line.replaceAll(/[0-9A-F]{8}/g, ''));
    assert.deepEqual(statements, [
      's3:GetObject on ArtifactsBucketArn/serving/*',
      's3:ListBucket on ArtifactsBucketArn',
      'ecr:GetAuthorizationToken on *',
      'ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer on ' +
        'arn:AWS::Partition:ecr:AWS::Region:*:repository/sagemaker-tritonserver',
      'logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents on ' +
        'arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:/aws/sagemaker/Endpoints/*',
      'cloudwatch:PutMetricData on *',
    ]);
  });
});

const component = inferenceComponentName('qwen', '1');

describe('language models', () => {
  test('LMI with vLLM serves the weights of a package, in isolation, with tools and adapters', () => {
    full.llm.hasResourceProperties('AWS::SageMaker::Model', {
      EnableNetworkIsolation: true,
      PrimaryContainer: {
        ModelDataSource: {
          S3DataSource: {
            S3Uri: { 'Fn::Join': ['', ['s3://', Match.anyValue(), '/models/qwen/1/']] },
            S3DataType: 'S3Prefix',
            CompressionType: 'None',
          },
        },
        Environment: Match.objectLike({
          HF_MODEL_ID: '/opt/ml/model',
          OPTION_ASYNC_MODE: 'true',
          OPTION_TRUST_REMOTE_CODE: 'false',
          OPTION_TOOL_CALL_PARSER: 'hermes',
          OPTION_MAX_LORAS: '4',
        }),
      },
    });
    const [model] = Object.values(full.llm.findResources('AWS::SageMaker::Model'));
    assert.match(
      JSON.stringify(model?.Properties.PrimaryContainer.Image),
      /\/djl-inference:0\.34\.0-lmi16\.0\.0-cu128"/,
    );
    full.llm.hasResourceProperties('AWS::SageMaker::InferenceComponent', {
      InferenceComponentName: component,
      Specification: Match.objectLike({
        ComputeResourceRequirements: { NumberOfAcceleratorDevicesRequired: 1, MinMemoryRequiredInMb: 8192 },
      }),
    });
  });

  test('copies follow the requests in flight, down to none and no instance, and the first request wakes one', () => {
    full.llm.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [
        Match.objectLike({ ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 1 } }),
      ],
    });
    full.llm.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ResourceId: `inference-component/${component}`,
      ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      MinCapacity: 0,
      MaxCapacity: 1,
    });
    full.llm.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyType: 'TargetTrackingScaling',
    });
    full.llm.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'NoCapacityInvocationFailures',
      Dimensions: [{ Name: 'InferenceComponentName', Value: component }],
      AlarmActions: [{ Ref: Match.stringLikeRegexp('WakePolicy') }],
    });
  });

  test('the container may read the weights that it serves and no others', () => {
    const statements = grantsOf(full.llm, 'Execution').map((line) => line.replaceAll(/[0-9A-F]{8}/g, ''));
    assert.deepEqual(statements.slice(0, 2), [
      's3:GetObject on ArtifactsBucketArn/models/qwen/1/*',
      's3:ListBucket on ArtifactsBucketArn',
    ]);
    assert.match(statements[3]!, /repository\/djl-inference$/);
  });

  test('a name that is no version of a package is refused', () => {
    for (const llm of ['qwen', 'qwen/1/2', 'Qwen/1', 'meta-llama/Llama-3/']) {
      assert.throws(() => readInfraConfig({ llm }), /is not <model>\/<version>/, llm);
    }
  });
});

describe('service', () => {
  test('each function of the table is deployed as it says, on Node 24 and arm64, traced', () => {
    for (const { description, memoryMiB, timeoutSeconds, layers } of Object.values(functions)) {
      plain.service.hasResourceProperties('AWS::Lambda::Function', {
        Description: description,
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        MemorySize: memoryMiB,
        Timeout: timeoutSeconds,
        Layers: layers.map((layer) => ({ Ref: Match.stringLikeRegexp(`^${layer}layer`) })),
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogGroup: Match.anyValue() },
      });
    }
    plain.service.resourceCountIs('AWS::Lambda::Function', Object.keys(functions).length);
    plain.service.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  test('who chooses video gets ffmpeg beside the decoders of pictures, wherever these are, and nobody else', () => {
    for (const definition of Object.values<FunctionDefinition>(functions)) {
      full.service.hasResourceProperties('AWS::Lambda::Function', {
        Description: definition.description,
        Layers: layersOf(definition, true)
          .toSorted()
          .map((layer) => ({ Ref: Match.stringLikeRegexp(`^${layer}layer`) })),
      });
    }
    assert.deepEqual(layersOf(functions.api, true), ['media', 'ffmpeg']);
    assert.deepEqual(layersOf(functions.infer, true), ['onnxruntime']);
    full.service.resourceCountIs('AWS::Lambda::LayerVersion', 3);
    plain.service.resourceCountIs('AWS::Lambda::LayerVersion', 2);
  });

  test('each function is told of what it uses, and of nothing else', () => {
    const storage = ['ARTIFACTS_BUCKET', 'DATA_BUCKET', 'TABLE_NAME'];
    const host = ['INFER_FUNCTION_NAME'];
    const expected = {
      api: [...storage, ...host, 'API_KEY_PEPPER_SECRET_ID', 'CORS_ORIGIN', 'METRICS_NAMESPACE', 'WORK_QUEUES'],
      infer: storage,
      registermodel: [...storage, ...host],
      predictinbox: [...storage, ...host, 'METRICS_NAMESPACE'],
      runbatch: [...storage, ...host, 'METRICS_NAMESPACE', 'WORK_QUEUES'],
      evaluate: storage,
      preparedataset: [...storage, 'WORK_QUEUES'],
    };
    const names = (template: Template, id: string) => {
      const [, found] = Object.entries(template.findResources('AWS::Lambda::Function')).find(([name]) =>
        name.startsWith(`${id}Function`),
      )!;
      return Object.keys(found.Properties.Environment.Variables).sort();
    };
    for (const [id, variables] of Object.entries(expected)) {
      assert.deepEqual(names(plain.service, id), variables.toSorted());
      const withEndpoint = ['infer', 'evaluate', 'preparedataset'].includes(id)
        ? variables
        : [...variables, 'SAGEMAKER_ENDPOINT_NAME', 'LLM_ENDPOINT_NAME'];
      assert.deepEqual(names(full.service, id), withEndpoint.toSorted());
    }
  });

  test('each role allows single actions on single resources', () => {
    const grants = (role: string) =>
      grantsOf(full.service, role).map((line) =>
        line.replace(/^(.* on )(?:Lambent(?:Hosting|Llm):ExportsOutputRef)?/, '$1').replaceAll(/[0-9A-F]{8}/g, ''),
      );
    const own = (id: string) => [
      `logs:CreateLogStream logs:PutLogEvents on ${id}Log.Arn`,
      'xray:PutTelemetryRecords xray:PutTraceSegments on *',
    ];
    const ofJobs = ['files', 'jobs', 'prepared', 'raw', 'results'].map(
      (prefix) => `s3:GetObject on DataBucketArn/${prefix}/*`,
    );
    const generate = 'sagemaker:InvokeEndpointWithResponseStream on';
    const generation = [
      `${generate} LlmEndpoint`,
      `${generate} arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:inference-component/${component}`,
    ];
    const ofReports = ['evaluations', 'reports'].map((prefix) => `s3:GetObject on DataBucketArn/${prefix}/*`);
    assert.deepEqual(grants('apiRole'), [
      ...own('api'),
      's3:GetObject s3:PutObject on ArtifactsBucketArn/models/*',
      's3:GetObject s3:PutObject on DataBucketArn/work/uploads/*',
      's3:ListBucket on ArtifactsBucketArn',
      's3:ListBucket on DataBucketArn',
      'dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem on TableArn',
      'secretsmanager:GetSecretValue on ApiKeyPepper',
      's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject on DataBucketArn/files/*',
      ...[...ofJobs.slice(1), ...ofReports].toSorted(),
      's3:PutObject on DataBucketArn/jobs/*',
      'lambda:InvokeFunction on inferFunction.Arn',
      'sagemaker:InvokeEndpoint on TritonEndpoint',
      ...generation,
      'sqs:SendMessage on runbatchuploadsQueueArn',
    ]);
    assert.deepEqual(grants('inferRole'), [...own('infer'), 's3:GetObject on ArtifactsBucketArn/models/*']);
    assert.deepEqual(grants('registermodelRole'), [
      ...own('registermodel'),
      's3:GetObject on ArtifactsBucketArn/models/*',
      's3:GetObject s3:PutObject on ArtifactsBucketArn/serving/*',
      'dynamodb:GetItem dynamodb:PutItem dynamodb:Query on TableArn',
      's3:ListBucket on ArtifactsBucketArn',
      'lambda:InvokeFunction on inferFunction.Arn',
      'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage on ' +
        'registermodeluploadsQueueArn',
    ]);
    assert.deepEqual(grants('predictinboxRole'), [
      ...own('predictinbox'),
      's3:GetObject on ArtifactsBucketArn/models/*',
      's3:GetObject on DataBucketArn/inbox/*',
      's3:GetObject s3:PutObject on DataBucketArn/answers/*',
      's3:DeleteObject s3:GetObject s3:PutObject on DataBucketArn/outbox/*',
      's3:ListBucket on DataBucketArn',
      'dynamodb:GetItem dynamodb:PutItem on TableArn',
      'lambda:InvokeFunction on inferFunction.Arn',
      'sagemaker:InvokeEndpoint on TritonEndpoint',
      'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage on ' +
        'predictinboxuploadsQueueArn',
    ]);
    assert.deepEqual(grants('runbatchRole'), [
      ...own('runbatch'),
      's3:GetObject on ArtifactsBucketArn/models/*',
      ...ofJobs,
      's3:ListBucket on DataBucketArn',
      's3:AbortMultipartUpload s3:GetObject s3:PutObject on DataBucketArn/work/jobs/*',
      's3:AbortMultipartUpload s3:DeleteObject s3:PutObject on DataBucketArn/results/*',
      's3:AbortMultipartUpload s3:PutObject on DataBucketArn/files/*',
      'dynamodb:GetItem dynamodb:PutItem dynamodb:Query on TableArn',
      'lambda:InvokeFunction on inferFunction.Arn',
      'sagemaker:InvokeEndpoint on TritonEndpoint',
      ...generation,
      'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage ' +
        'sqs:SendMessage on runbatchuploadsQueueArn',
    ]);
    assert.deepEqual(grants('evaluateRole'), [
      ...own('evaluate'),
      ...ofJobs,
      's3:ListBucket on DataBucketArn',
      's3:GetObject s3:PutObject on DataBucketArn/evaluations/*',
      's3:GetObject s3:PutObject on DataBucketArn/reports/*',
      'dynamodb:PutItem on TableArn',
      'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage on ' +
        'evaluateuploadsQueueArn',
    ]);
    assert.deepEqual(grants('preparedatasetRole'), [
      ...own('preparedataset'),
      's3:GetObject on DataBucketArn/raw/*',
      's3:AbortMultipartUpload s3:GetObject s3:PutObject on DataBucketArn/work/datasets/*',
      's3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject on DataBucketArn/prepared/*',
      's3:ListBucket on DataBucketArn',
      'dynamodb:GetItem dynamodb:PutItem on TableArn',
      'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage ' +
        'sqs:SendMessage on preparedatasetuploadsQueueArn',
    ]);
  });

  test('the API streams every path to one function for as long as that may run', () => {
    const methods = Object.values(plain.service.findResources('AWS::ApiGateway::Method'));
    assert.equal(methods.length, 2);
    for (const { Properties } of methods) {
      const { Integration } = Properties;
      assert.equal(Properties.HttpMethod, 'ANY');
      assert.equal(Integration.Type, 'AWS_PROXY');
      assert.equal(Integration.ResponseTransferMode, 'STREAM');
      assert.equal(Integration.TimeoutInMillis, functions.api.timeoutSeconds * 1000);
      assert.match(JSON.stringify(Integration.Uri), /2021-11-15.*response-streaming-invocations/);
    }
    plain.service.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['REGIONAL'] },
      BinaryMediaTypes: ['*/*'],
      SecurityPolicy: 'SecurityPolicy_TLS13_1_2_2021_06',
      EndpointAccessMode: 'STRICT',
    });
  });

  test('the API throttles, and its access log holds no header, query or body', () => {
    const [stage] = Object.values(plain.service.findResources('AWS::ApiGateway::Stage'));
    const [settings] = stage?.Properties.MethodSettings ?? [];
    assert.equal(settings.ThrottlingRateLimit, 100);
    assert.equal(settings.ThrottlingBurstLimit, 200);
    assert.equal(settings.DataTraceEnabled, false);
    const fields = Object.values<string>(JSON.parse(stage?.Properties.AccessLogSetting.Format));
    assert.ok(fields.length > 5);
    assert.ok(fields.every((field) => !/header|querystring|body|input|apiKey|authorizer/i.test(field)));
  });

  test('messages of the queue are taken one by one, and each can fail alone', () => {
    plain.service.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });

  test('`inferConcurrency` bounds the CPU host, `waf` puts a firewall before the API', () => {
    full.service.hasResourceProperties('AWS::Lambda::Function', {
      Description: functions.infer.description,
      ReservedConcurrentExecutions: 8,
    });
    full.service.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
    plain.service.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
  });
});

describe('the whole deployment', () => {
  test('`hosting: none` has nothing of SageMaker', () => {
    const assembly = plain.app.synth();
    assert.deepEqual(assembly.stacks.map(({ stackName }) => stackName).sort(), ['LambentService', 'LambentStorage']);
    assert.doesNotMatch(JSON.stringify(assembly.stacks.map(({ template }) => template)), /sagemaker/i);
  });

  test('every alarm treats silence as health and, with an address, tells it', () => {
    const alarms = [full.storage, full.hosting, full.service].flatMap((template) =>
      Object.values(template.findResources('AWS::CloudWatch::Alarm')),
    );
    const queued = Object.values(functions).filter(({ trigger }) => trigger.kind === 's3');
    const watched = alarms.map(({ Properties }) => `${Properties.Namespace} ${Properties.MetricName}`).sort();
    assert.deepEqual(watched, [
      '/aws/sagemaker/Endpoints GPUMemoryUtilization',
      'AWS/ApiGateway 5XXError',
      ...Object.keys(functions).map(() => 'AWS/Lambda Errors'),
      ...Object.keys(functions).map(() => 'AWS/Lambda Throttles'),
      ...queued.map(() => 'AWS/SQS ApproximateAgeOfOldestMessage'),
      ...queued.map(() => 'AWS/SQS ApproximateNumberOfMessagesVisible'),
      'AWS/SageMaker Invocation5XXErrors',
      'AWS/SageMaker ModelLatency',
      'AWS/SageMaker ModelUnloadingTime',
      'Lambent FailedJobs',
    ]);
    for (const { Properties } of alarms) {
      assert.equal(Properties.TreatMissingData, 'notBreaching');
      assert.equal(Properties.AlarmActions.length, 1);
    }
    full.storage.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'owner@example.com' });
    full.storage.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { BudgetLimit: { Amount: 200, Unit: 'USD' }, TimeUnit: 'MONTHLY' },
    });
  });

  test('the price list counts the alarms and the polled queues of a deployment without a GPU', () => {
    const count = (type: string) =>
      [plain.storage, plain.service].flatMap((template) => Object.keys(template.findResources(type))).length;
    const [, alarms, queues] = /(\d+) alarms .+ polls of (\d+) queues/.exec(readFileSync('docs/deploy.md', 'utf8'))!;
    assert.deepEqual(
      [Number(alarms), Number(queues)],
      [count('AWS::CloudWatch::Alarm'), count('AWS::Lambda::EventSourceMapping')],
    );
  });

  test("neither CDK's own rules nor cdk-nag object to anything", () => {
    for (const app of [full.app, plain.app]) {
      const report = JSON.parse(readFileSync(join(app.synth().directory, 'validation-report.json'), 'utf8'));
      assert.deepEqual(report.pluginReports, []);
    }
  });

  test('no resource has a name that a second deployment would collide with', () => {
    const named =
      /^(BucketName|TableName|FunctionName|QueueName|TopicName|RoleName|LogGroupName|AlarmName|EndpointName|ModelName)$/;
    for (const template of [full.storage, full.hosting, full.service]) {
      for (const [id, { Type, Properties }] of Object.entries<{ Type: string; Properties?: object }>(
        template.toJSON().Resources,
      )) {
        if (/^AWS::(Lambda::(Permission|EventSourceMapping)|Logs::MetricFilter)$/.test(Type)) continue;
        assert.deepEqual(
          Object.keys(Properties ?? {}).filter((key) => named.test(key)),
          [],
          id,
        );
      }
    }
  });
});

describe('choices', () => {
  const refused = (context: Record<string, unknown>, message: RegExp) =>
    assert.throws(() => readInfraConfig(context), { message });

  test('a choice that is unknown, or not allowed, is refused with its name and what is allowed', () => {
    refused({ hostng: 'gpu' }, /"hostng"/);
    refused({ hosting: 'cpu' }, /hosting: .*"none"\|"gpu"/);
    refused({ instanceType: 'ml.g4dn.12xlarge' }, /instanceType: .*"ml\.g4dn\.xlarge"/);
    refused({ minInstances: '3', maxInstances: '2' }, /maxInstances: is smaller than minInstances/);
    refused({ monthlyBudgetUsd: '50' }, /monthlyBudgetUsd: needs alarmEmail/);
    refused({ logRetentionDays: '8' }, /logRetentionDays/);
  });

  test('values from the command line are text, those from cdk.json need not be', () => {
    assert.deepEqual(
      readInfraConfig({ waf: 'true', maxInstances: '4' }),
      readInfraConfig({ waf: true, maxInstances: 4, '@aws-cdk/core:some': true }),
    );
  });

  test('the image is the one for the region, or the one that the operator names', () => {
    const imageIn = (region: string, choices = {}) => {
      process.env.CDK_DEFAULT_REGION = region;
      process.env.CDK_DEFAULT_ACCOUNT = '111122223333';
      try {
        const constructs = createApp(folder, { ...flags, hosting: 'gpu', ...choices }).node.findAll();
        const model = constructs.find((construct) => construct instanceof CfnModel)!;
        return JSON.stringify(Stack.of(model).resolve(model.primaryContainer).image);
      } finally {
        delete process.env.CDK_DEFAULT_REGION;
        delete process.env.CDK_DEFAULT_ACCOUNT;
      }
    };
    assert.match(imageIn('eu-south-1', { tritonVersion: '25.09' }), /692866216735\.dkr\.ecr\.eu-south-1.*:25\.09-py3/);
    const own = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/triton:mine';
    assert.equal(imageIn('eu-west-1', { tritonImageUri: own }), JSON.stringify(own));
    assert.throws(() => imageIn('xx-nowhere-1'), /tritonImageUri: AWS's image account for xx-nowhere-1 is not known/);
  });
});

/** The files of a zip archive as its central directory lists them (PKWARE APPNOTE.TXT 4.3.12). */
function* unzip(archive: Buffer): Generator<[path: string, content: Buffer]> {
  let entry = archive.readUInt32LE(archive.length - 6);
  for (let left = archive.readUInt16LE(archive.length - 12); left > 0; left--) {
    const nameLength = archive.readUInt16LE(entry + 28);
    const local = archive.readUInt32LE(entry + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(start, start + archive.readUInt32LE(entry + 20)));
    assert.equal(archive.readUInt32LE(entry + 16), crc32(content));
    assert.equal(archive.readUInt32LE(entry + 38) >>> 16, 0o100644);
    yield [archive.toString('utf8', entry + 46, entry + 46 + nameLength), content];
    entry += 46 + nameLength;
  }
}

describe('layers', () => {
  test('a layer is named by what it holds: same packages, same name', () => {
    assert.equal(layerHash('media', 'arm64'), layerHash('media', 'arm64'));
    assert.notEqual(layerHash('media', 'arm64'), layerHash('media', 'x64'));
    for (const layer of packageLayers)
      assert.ok(layerPackages(layer, 'arm64').every(({ version }) => /^\d/.test(version)));
  });

  test('what a layer holds is enough to run a model and to decode a picture', {
    skip: !onLinuxX64 && 'needs Linux on x64',
  }, async () => {
    const layers = join(folder, 'x64');
    for (const layer of packageLayers) await buildLayer(layer, 'x64', layers);
    const run = (layer: string, script: string) =>
      execFileSync(process.execPath, ['-e', script], {
        cwd: folder,
        encoding: 'utf8',
        env: { NODE_PATH: join(layers, layer, 'nodejs', 'node_modules') },
      });
    const backends = run(
      'onnxruntime',
      "process.stdout.write(require('onnxruntime-node').listSupportedBackends()[0].name)",
    );
    assert.equal(backends, 'cpu');
    const create = "{ create: { width: 3, height: 2, channels: 3, background: 'red' } }";
    const decode = `.jpeg().toBuffer().then((jpeg) => sharp(jpeg).raw().toBuffer()).then(({ length }) => console.log(length))`;
    assert.equal(run('media', `const sharp = require('sharp'); sharp(${create})${decode}`), '18\n');
  });

  test('an archive is the same, byte for byte, each time, and unpacks to what went in', async () => {
    const built = await buildLayer('onnxruntime', 'arm64', join(folder, 'arm64'));
    assert.deepEqual(readdirSync(join(built, 'nodejs/node_modules/onnxruntime-node/bin/napi-v6/linux')), ['arm64']);
    const archive = readFileSync(zipLayer(built));
    assert.ok(archive.equals(readFileSync(zipLayer(await buildLayer('onnxruntime', 'arm64', join(folder, 'arm64'))))));
    let bytes = 0;
    for (const [path, content] of unzip(archive)) {
      assert.ok(content.equals(readFileSync(join(built, path))), path);
      bytes += content.length;
    }
    assert.equal(bytes, folderBytes(built));
  });

  test('a program in a layer may be run', () => {
    const path = join(folder, 'program');
    mkdirSync(join(path, 'bin'), { recursive: true });
    for (const name of ['bin/program', 'licence']) writeFileSync(join(path, name), name);
    const archive = readFileSync(zipLayer(path));
    const modes = ['bin/program', 'licence'].map((name) => {
      const entry = archive.lastIndexOf(name) - 46;
      return (archive.readUInt32LE(entry + 38) >>> 16).toString(8);
    });
    assert.deepEqual(modes, ['100755', '100644']);
  });

  test('no function is over 250 MB with its layers', { skip: !onLinuxX64 && 'needs Linux on x64' }, () => {
    const sizes = measureFunctions(folder, join(folder, 'x64'));
    assert.deepEqual([...sizes.keys()], Object.keys(functions));
    for (const [name, bytes] of sizes) assert.ok(bytes > 0 && bytes < 100e6, `${name}: ${bytes} bytes`);
    assert.ok(existsSync(join(folder, 'api', 'index.mjs')));
  });
});
