import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxAttempts, maxReceiveCount, visibilityTimeouts } from '../../functions/manifest.ts';

export interface UploadQueueProps {
  /** Time-out of the function that reads the queue, in seconds. */
  readonly functionTimeoutSeconds: number;
  /** Copies of the function that read at once. */
  readonly maxConcurrency: number;
}

/** The queue between S3's events and one function, with a dead-letter queue and alarms on both. */
export class UploadQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly maxConcurrency: number;

  constructor(scope: Construct, id: string, props: UploadQueueProps) {
    super(scope, id);
    this.maxConcurrency = props.maxConcurrency;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(4),
      visibilityTimeout: Duration.seconds(visibilityTimeouts * props.functionTimeoutSeconds),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount },
    });
    // The account, not the bucket's ARN: that one depends on this policy, and the circle would not deploy.
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    new Alarm(this, 'DeadLettersAlarm', {
      alarmDescription: `Messages of ${id} failed ${maxAttempts} times; the function's log says why.`,
      metric: this.deadLetters.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    new Alarm(this, 'AgeAlarm', {
      alarmDescription: `A message has waited in ${id} for longer than all its deliveries should take.`,
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(5), statistic: 'Maximum' }),
      threshold: visibilityTimeouts * props.functionTimeoutSeconds * maxReceiveCount,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
