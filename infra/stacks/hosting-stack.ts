import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import type { InfraConfig } from '../config.ts';
import { EndpointRole } from '../constructs/endpoint-role.ts';
import { TritonEndpoint, tritonRepository, variantName } from '../constructs/triton-endpoint.ts';
import type { StorageStack } from './storage-stack.ts';

export interface HostingStackProps extends StackProps {
  readonly config: InfraConfig;
  readonly storage: StorageStack;
}

/** The GPU model host. Only `hosting: gpu` deploys it. */
export class HostingStack extends Stack {
  readonly endpoint: CfnEndpoint;

  constructor(scope: Construct, id: string, props: HostingStackProps) {
    super(scope, id, props);
    const { config, storage } = props;
    const artifacts = storage.artifacts.bucket;
    const repository = config.tritonImageUri?.match(/\/([^:@]+)/)?.[1] ?? tritonRepository;
    const executionRole = new EndpointRole(this, 'Execution', {
      folders: ['serving/'],
      bucketArn: storage.artifactsArn,
      repository,
    }).role;
    this.endpoint = new TritonEndpoint(this, 'Triton', { config, artifacts, executionRole }).endpoint;
    this.alarm('ServerErrors', {
      description: 'The endpoint answered with 5xx.',
      metric: this.metric('Invocation5XXErrors', 'Sum'),
      threshold: 0,
    });
    this.alarm('SlowModels', {
      description: 'One request in a hundred takes a model more than 10 seconds; an answer is cut off at 60.',
      metric: this.metric('ModelLatency', 'p99'),
      threshold: 10e6, // microseconds
    });
    this.alarm('ModelsUnloaded', {
      description: 'Models push each other out of memory: callers wait for loads. More or larger instances help.',
      metric: this.metric('ModelUnloadingTime', 'SampleCount'),
      threshold: 20,
    });
    this.alarm('GpuMemory', {
      description: 'GPU memory is full.',
      metric: this.metric('GPUMemoryUtilization', 'Maximum', '/aws/sagemaker/Endpoints'),
      threshold: 95, // percent
    });
    new CfnOutput(this, 'EndpointName', { value: this.endpoint.attrEndpointName });
  }

  private metric(metricName: string, statistic: string, namespace = 'AWS/SageMaker'): Metric {
    const dimensionsMap = { EndpointName: this.endpoint.attrEndpointName, VariantName: variantName };
    return new Metric({ namespace, metricName, statistic, dimensionsMap, period: Duration.minutes(5) });
  }

  private alarm(id: string, props: { description: string; metric: Metric; threshold: number }): void {
    new Alarm(this, id, {
      alarmDescription: props.description,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
