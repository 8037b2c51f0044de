import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { modelFileKey } from '../../functions/storage/object-keys.ts';
import type { InfraConfig } from '../config.ts';
import { EndpointRole } from '../constructs/endpoint-role.ts';
import { LlmComponent, lmiRepository } from '../constructs/llm-component.ts';
import { LlmEndpoint } from '../constructs/llm-endpoint.ts';
import type { StorageStack } from './storage-stack.ts';

export interface LlmStackProps extends StackProps {
  readonly config: InfraConfig;
  readonly storage: StorageStack;
}

/** The host of language models. Only `llm` deploys it. */
export class LlmStack extends Stack {
  readonly endpoint: CfnEndpoint;
  /** Names of the inference components. */
  readonly components: readonly string[];

  constructor(scope: Construct, id: string, { config, storage, ...props }: LlmStackProps) {
    super(scope, id, props);
    const artifacts = storage.artifacts.bucket;
    const executionRole = new EndpointRole(this, 'Execution', {
      folders: config.llm.map(({ model, version }) => modelFileKey(model, version, '')),
      bucketArn: storage.artifactsArn,
      repository: config.lmiImageUri?.match(/\/([^:@]+)/)?.[1] ?? lmiRepository,
    }).role;
    this.endpoint = new LlmEndpoint(this, 'Llm', { config, executionRole }).endpoint;
    this.components = config.llm.map((languageModel) => {
      const componentProps = { config, languageModel, endpoint: this.endpoint, artifacts, executionRole };
      const id = `${languageModel.model}-${languageModel.version}`;
      const { name } = new LlmComponent(this, id, componentProps);
      this.watch(id, name);
      return name;
    });
    new CfnOutput(this, 'EndpointName', { value: this.endpoint.attrEndpointName });
  }

  private watch(id: string, component: string): void {
    const metric = (metricName: string, statistic: string) =>
      new Metric({
        namespace: 'AWS/SageMaker',
        metricName,
        statistic,
        dimensionsMap: { InferenceComponentName: component },
        period: Duration.minutes(5),
      });
    const alarm = (name: string, alarmDescription: string, watched: Metric, threshold: number, periods: number) =>
      new Alarm(this, `${id}-${name}`, {
        alarmDescription,
        metric: watched,
        threshold,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: periods,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    alarm('ServerErrors', `${id} answered with 5xx.`, metric('Invocation5XXErrors', 'Sum'), 0, 2);
    alarm(
      'NeverUp',
      `For 20 minutes callers of ${id} have found no copy up: is there no such instance, or can the model not be loaded?`,
      metric('NoCapacityInvocationFailures', 'Sum'),
      0,
      4,
    );
    const slow = `One caller in ten waits for the first token of ${id} for more than 10 seconds: more copies help.`;
    alarm('SlowStart', slow, metric('FirstChunkLatency', 'p90'), 10e6, 3); // microseconds
  }
}
