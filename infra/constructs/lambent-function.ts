import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  type LayerVersion,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionDefinition } from '../../functions/manifest.ts';
import type { InfraConfig } from '../config.ts';

export interface LambentFunctionProps {
  readonly definition: FunctionDefinition;
  /** Folder with the bundle, `index.mjs`. */
  readonly code: string;
  readonly environment: Record<string, string>;
  readonly layers: LayerVersion[];
  readonly config: InfraConfig;
  /**
   * Copies that may run at once, taken out of the account's pool.
   * @default - as many as the pool has.
   */
  readonly reservedConcurrency?: number;
}

/** One Lambda function with the defaults of all: Node 24 on arm64, traced, a log that expires, a role of its own. */
export class LambentFunction extends Construct {
  readonly handler: LambdaFunction;
  readonly role: Role;
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, props: LambentFunctionProps) {
    super(scope, id);
    const { definition, config } = props;
    this.log = new LogGroup(this, 'Log', {
      retention: config.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of our own, since the one that CDK makes may write to every log group of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.log.grantWrite(this.role);
    this.handler = new LambdaFunction(this, 'Function', {
      description: definition.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(props.code),
      memorySize: definition.memoryMiB,
      timeout: Duration.seconds(definition.timeoutSeconds),
      layers: props.layers,
      environment: props.environment,
      reservedConcurrentExecutions: props.reservedConcurrency,
      role: this.role,
      logGroup: this.log,
      tracing: Tracing.ACTIVE,
    });
    Validations.of(this.role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'xray:PutTraceSegments and xray:PutTelemetryRecords know no resource.',
    });
    const period = Duration.minutes(5);
    this.alarm('Errors', `${id} ended with an error or ran out of time.`, this.handler.metricErrors({ period }));
    this.alarm('Throttles', `${id} was refused for want of concurrency.`, this.handler.metricThrottles({ period }));
  }

  private alarm(id: string, alarmDescription: string, metric: Metric): void {
    new Alarm(this, id, {
      alarmDescription,
      metric,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
