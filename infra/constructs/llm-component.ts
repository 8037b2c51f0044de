import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { type CfnEndpoint, CfnInferenceComponent, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { inferenceComponentName, modelFileKey } from '../../functions/storage/object-keys.ts';
import type { InfraConfig, LanguageModel } from '../config.ts';
import { publishedImage } from '../published-image.ts';
import { llmVariantName } from './llm-endpoint.ts';

/** AWS's repository of Large Model Inference images, the same name in every region. */
export const lmiRepository = 'djl-inference';

export interface LlmComponentProps {
  readonly config: InfraConfig;
  readonly languageModel: LanguageModel;
  readonly endpoint: CfnEndpoint;
  readonly artifacts: IBucket;
  readonly executionRole: IRole;
}

/** One version of a language model on the LLM host: LMI's container with vLLM, and how many copies of it are up. */
export class LlmComponent extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: LlmComponentProps) {
    super(scope, id);
    const { config, languageModel } = props;
    // Functions find the component of a version by this name, as they find an archive by its TargetModel.
    this.name = inferenceComponentName(languageModel.model, languageModel.version);
    const component = new CfnInferenceComponent(this, 'Component', {
      inferenceComponentName: this.name,
      endpointName: props.endpoint.attrEndpointName,
      variantName: llmVariantName,
      specification: {
        modelName: this.createModel(props).attrModelName,
        computeResourceRequirements: {
          numberOfAcceleratorDevicesRequired: config.llmAccelerators,
          minMemoryRequiredInMb: config.llmMemoryMiB,
        },
        startupParameters: {
          modelDataDownloadTimeoutInSeconds: 3600,
          containerStartupHealthCheckTimeoutInSeconds: 3600,
        },
      },
      // One is started with the deployment, which so shows that the model can be loaded.
      runtimeConfig: { copyCount: 1 },
    });
    const target = new CfnScalableTarget(this, 'ScalableTarget', {
      serviceNamespace: 'sagemaker',
      scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      resourceId: `inference-component/${this.name}`,
      minCapacity: config.llmMinCopies,
      maxCapacity: config.llmMaxCopies,
    });
    target.node.addDependency(component);
    this.followRequests(target, config);
    if (config.llmMinCopies === 0) this.wake(target);
  }

  private createModel({ config, languageModel, artifacts, executionRole }: LlmComponentProps): CfnModel {
    const { model, version } = languageModel;
    return new CfnModel(this, 'Model', {
      executionRoleArn: executionRole.roleArn,
      // SageMaker fetches the weights; the container has no business on any network, nor any code but its own.
      enableNetworkIsolation: true,
      primaryContainer: {
        image: config.lmiImageUri ?? publishedImage(this, lmiRepository, config.lmiVersion, 'lmiImageUri'),
        modelDataSource: {
          s3DataSource: {
            s3Uri: artifacts.s3UrlForObject(modelFileKey(model, version, '')),
            s3DataType: 'S3Prefix',
            compressionType: 'None',
          },
        },
        environment: containerEnvironment(config),
      },
    });
  }

  private followRequests(target: CfnScalableTarget, config: InfraConfig): void {
    new CfnScalingPolicy(this, 'ScalingPolicy', {
      policyName: `${this.name}-concurrent-requests`,
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: config.llmConcurrentRequests,
        predefinedMetricSpecification: {
          predefinedMetricType: 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
        },
        scaleOutCooldown: 60,
        scaleInCooldown: 900,
      },
    });
  }

  /**
   * A request that finds no copy starts one: target tracking cannot leave zero.
   * Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
   */
  private wake(target: CfnScalableTarget): void {
    const policy = new CfnScalingPolicy(this, 'WakePolicy', {
      policyName: `${this.name}-wake`,
      policyType: 'StepScaling',
      scalingTargetId: target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: 'ChangeInCapacity',
        metricAggregationType: 'Maximum',
        cooldown: 60,
        stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
      },
    });
    // Not one of the alarms that are mailed: it is how the model wakes.
    new CfnAlarm(this, 'Wake', {
      alarmDescription: 'A request found no copy of the model up: one is started.',
      namespace: 'AWS/SageMaker',
      metricName: 'NoCapacityInvocationFailures',
      dimensions: [{ name: 'InferenceComponentName', value: this.name }],
      statistic: 'Maximum',
      period: 60,
      evaluationPeriods: 1,
      threshold: 1,
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      treatMissingData: 'notBreaching',
      alarmActions: [policy.ref],
    });
  }
}

/** Source: deepjavalibrary/djl-serving, serving/docs/lmi/user_guides/vllm_user_guide.md, "Async Mode Configurations". */
function containerEnvironment(config: InfraConfig): Record<string, string> {
  return {
    HF_MODEL_ID: '/opt/ml/model',
    HF_HUB_OFFLINE: '1',
    SERVING_FAIL_FAST: 'true',
    OPTION_ASYNC_MODE: 'true',
    OPTION_ROLLING_BATCH: 'disable',
    OPTION_ENTRYPOINT: 'djl_python.lmi_vllm.vllm_async_service',
    OPTION_TENSOR_PARALLEL_DEGREE: 'max',
    OPTION_TRUST_REMOTE_CODE: 'false',
    ...(config.llmContext && { OPTION_MAX_MODEL_LEN: String(config.llmContext) }),
    ...(config.llmToolParser && {
      OPTION_ENABLE_AUTO_TOOL_CHOICE: 'true',
      OPTION_TOOL_CALL_PARSER: config.llmToolParser,
    }),
    ...(config.llmAdapters > 0 && { OPTION_ENABLE_LORA: 'true', OPTION_MAX_LORAS: String(config.llmAdapters) }),
  };
}
