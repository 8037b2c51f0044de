import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type FunctionName, functions } from '../../functions/manifest.ts';
import type { InfraConfig } from '../config.ts';
import { AlarmTopic } from '../constructs/alarm-topic.ts';
import { SecureBucket } from '../constructs/secure-bucket.ts';
import { UploadQueue } from '../constructs/upload-queue.ts';

export interface StorageStackProps extends StackProps {
  readonly config: InfraConfig;
}

/** What outlives a deployment: buckets with the queues that they feed, the table, the pepper of the API keys. */
export class StorageStack extends Stack {
  readonly artifacts: SecureBucket;
  readonly data: SecureBucket;
  /** ARN of the artifacts bucket, as other stacks refer to it. */
  readonly artifactsArn: string;
  /** ARN of all objects of all model packages. */
  readonly modelPackagesArn: string;
  /** ARN of all Triton archives, the models of the multi-model endpoint. */
  readonly tritonArchivesArn: string;
  /** ARN of all objects of the data bucket under a prefix. */
  readonly dataArn: (prefix: string) => string;
  readonly table: TableV2;
  readonly apiKeyPepper: Secret;
  readonly uploadQueues: ReadonlyMap<FunctionName, UploadQueue>;
  readonly alarmTopic?: ITopic;

  constructor(scope: Construct, id: string, props: StorageStackProps) {
    super(scope, id, props);
    const { removal, alarmEmail, monthlyBudgetUsd } = props.config;
    const retain = removal === 'retain';
    const removalPolicy = retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const accessLogs = new SecureBucket(this, 'AccessLogs', { removalPolicy }).bucket;
    this.artifacts = new SecureBucket(this, 'Artifacts', { removalPolicy, accessLogs });
    this.data = new SecureBucket(this, 'Data', { removalPolicy, accessLogs });
    this.artifactsArn = this.exportValue(this.artifacts.bucket.bucketArn);
    this.modelPackagesArn = `${this.artifactsArn}/models/*`;
    this.tritonArchivesArn = `${this.artifactsArn}/serving/*`;
    const dataBucketArn = this.exportValue(this.data.bucket.bucketArn);
    this.dataArn = (prefix) => `${dataBucketArn}/${prefix}/*`;
    // Answers lie in the outbox too; these make a message that comes again find what it had answered.
    this.data.bucket.addLifecycleRule({ id: 'answers', prefix: 'answers/', expiration: Duration.days(30) });
    // What a caller lets expire is refused by the second, and removed here.
    this.data.bucket.addLifecycleRule({ id: 'files', prefix: 'files/expiring/', expiration: Duration.days(30) });
    this.data.bucket.addLifecycleRule({ id: 'work', prefix: 'work/', expiration: Duration.days(30) });
    this.uploadQueues = this.createUploadQueues();
    this.table = new TableV2(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: retain,
      removalPolicy,
    });
    this.apiKeyPepper = new Secret(this, 'ApiKeyPepper', {
      description: 'Key of the HMAC under which API keys are stored',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy,
    });
    Validations.of(this.apiKeyPepper).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'A new pepper would make every API key invalid at once; it leaves no function and is never typed.',
    });
    if (alarmEmail) this.alarmTopic = new AlarmTopic(this, 'Alarms', { email: alarmEmail, monthlyBudgetUsd }).topic;
    new CfnOutput(this, 'ArtifactsBucket', { value: this.artifacts.bucket.bucketName });
    new CfnOutput(this, 'AccessLogsBucket', { value: accessLogs.bucketName });
    new CfnOutput(this, 'DataBucket', { value: this.data.bucket.bucketName });
    this.outputQueues('DeadLetterQueues', ({ deadLetters }) => deadLetters);
    this.outputQueues('WorkQueues', ({ queue }) => queue);
    new CfnOutput(this, 'TableName', { value: this.table.tableName });
    new CfnOutput(this, 'ApiKeyPepperSecretId', { value: this.apiKeyPepper.secretArn });
  }

  /** Function → URL, for the owner's commands. */
  private outputQueues(id: string, choose: (uploads: UploadQueue) => IQueue): void {
    const urls = [...this.uploadQueues].map(([name, uploads]) => [name, choose(uploads).queueUrl]);
    new CfnOutput(this, id, { value: this.toJsonString(Object.fromEntries(urls)) });
  }

  /** One queue per function that an upload wakes. They are here because a bucket cannot name a queue of a later stack. */
  private createUploadQueues(): StorageStack['uploadQueues'] {
    const queues = new Map<FunctionName, UploadQueue>();
    for (const [name, { trigger, timeoutSeconds }] of Object.entries(functions)) {
      if (trigger.kind !== 's3') continue;
      const { maxConcurrency } = trigger;
      const props = { functionTimeoutSeconds: timeoutSeconds, maxConcurrency };
      const uploads = new UploadQueue(this, `${name}-uploads`, props);
      const bucket = trigger.bucket === 'artifacts' ? this.artifacts : this.data;
      bucket.notify(uploads.queue, trigger.prefix, trigger.suffix);
      queues.set(name as FunctionName, uploads);
    }
    return queues;
  }
}
