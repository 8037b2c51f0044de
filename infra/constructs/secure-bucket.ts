import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface SecureBucketProps {
  /** What becomes of the bucket with its stack; `DESTROY` empties it by hand first. */
  readonly removalPolicy: RemovalPolicy;
  /**
   * Bucket that receives the access log, under the construct's id.
   * @default - this bucket is one for logs: not versioned, emptied after a year.
   */
  readonly accessLogs?: Bucket;
}

/** A private bucket: encrypted by S3, TLS 1.2 only, versioned, with a log of who read what. */
export class SecureBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: SecureBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      // Not KMS: a key costs by the month and by the request, and every uploader would need a grant on it.
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: props.removalPolicy,
      ...(props.accessLogs
        ? { versioned: true, serverAccessLogsBucket: props.accessLogs, serverAccessLogsPrefix: `${id.toLowerCase()}/` }
        : {}),
      lifecycleRules: [
        { id: 'incomplete-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        props.accessLogs
          ? {
              id: 'old-versions',
              noncurrentVersionExpiration: Duration.days(90),
              noncurrentVersionTransitions: [
                { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(30) },
              ],
            }
          : { id: 'old-logs', expiration: Duration.days(365) },
      ],
    });
    if (!props.accessLogs) {
      Validations.of(this.bucket).acknowledge({
        id: 'AwsSolutions-S1',
        reason: 'This bucket receives the access logs of the others; logging it into itself would never end.',
      });
    }
  }

  /** Announces each new object under `prefix` that ends in `suffix` (empty: in anything). At most one call per pair. */
  notify(queue: IQueue, prefix: string, suffix: string): void {
    const bucket = this.bucket.node.defaultChild as CfnBucket;
    // The property itself: CDK's addEventNotification would deploy a function that may change any bucket.
    const earlier = bucket.notificationConfiguration as CfnBucket.NotificationConfigurationProperty | undefined;
    bucket.notificationConfiguration = {
      queueConfigurations: [
        ...((earlier?.queueConfigurations as CfnBucket.QueueConfigurationProperty[] | undefined) ?? []),
        {
          event: 's3:ObjectCreated:*',
          queue: queue.queueArn,
          filter: {
            s3Key: {
              rules: [{ name: 'prefix', value: prefix }, ...(suffix === '' ? [] : [{ name: 'suffix', value: suffix }])],
            },
          },
        },
      ],
    };
    // S3 tries the queue when the bucket is made: its policy must be there.
    this.bucket.node.addDependency(queue);
  }
}
