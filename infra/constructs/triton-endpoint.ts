import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import type { InfraConfig } from '../config.ts';
import { publishedImage } from '../published-image.ts';

/** AWS's repository of Triton images, the same name in every region. */
export const tritonRepository = 'sagemaker-tritonserver';

export const variantName = 'AllTraffic';

export interface TritonEndpointProps {
  readonly config: InfraConfig;
  /** Its `serving/` holds one Triton archive per model version. */
  readonly artifacts: IBucket;
  readonly executionRole: IRole;
}

/** A SageMaker multi-model endpoint: NVIDIA Triton on one GPU, scaled by the requests in flight. */
export class TritonEndpoint extends Construct {
  readonly endpoint: CfnEndpoint;

  constructor(scope: Construct, id: string, props: TritonEndpointProps) {
    super(scope, id);
    const { config } = props;
    const model = new CfnModel(this, 'Model', {
      executionRoleArn: props.executionRole.roleArn,
      // The archives are fetched by SageMaker outside the container, which has no business on any network.
      enableNetworkIsolation: true,
      primaryContainer: {
        image:
          config.tritonImageUri ??
          publishedImage(this, tritonRepository, `${config.tritonVersion}-py3`, 'tritonImageUri'),
        mode: 'MultiModel',
        modelDataUrl: props.artifacts.s3UrlForObject('serving/'),
        environment: {
          // The image's own default is verbose.
          SAGEMAKER_TRITON_LOG_VERBOSE: 'false',
          // A model is refused, and another one unloaded, before the GPU is so full that running models fail.
          SAGEMAKER_TRITON_MODEL_LOAD_GPU_LIMIT: '0.9',
        },
      },
    });
    model.node.addDependency(props.executionRole);
    // No data capture (payloads stay out of S3) and no KMS key: these instances keep models on local NVMe disks, which
    // encrypt themselves and which SageMaker refuses a key for.
    const endpointConfig = new CfnEndpointConfig(this, 'Config', {
      productionVariants: [
        {
          variantName,
          modelName: model.attrModelName,
          instanceType: config.instanceType,
          initialInstanceCount: config.minInstances,
          initialVariantWeight: 1,
          containerStartupHealthCheckTimeoutInSeconds: 600,
          // Driver 550. The default for g4dn and g5 is 470, too old for the CUDA 12 of today's Triton images.
          inferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
        },
      ],
    });
    this.endpoint = new CfnEndpoint(this, 'Endpoint', {
      endpointConfigName: endpointConfig.attrEndpointConfigName,
      // An update keeps the number of instances that scaling has arrived at.
      retainAllVariantProperties: true,
    });
    this.scale(config);
  }

  private scale(config: InfraConfig): void {
    const target = new CfnScalableTarget(this, 'ScalableTarget', {
      serviceNamespace: 'sagemaker',
      scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      resourceId: `endpoint/${this.endpoint.attrEndpointName}/variant/${variantName}`,
      minCapacity: config.minInstances,
      maxCapacity: config.maxInstances,
    });
    new CfnScalingPolicy(this, 'ScalingPolicy', {
      policyName: 'concurrent-requests-per-model',
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: {
        targetValue: config.targetConcurrentRequests,
        predefinedMetricSpecification: {
          // Written every 10 seconds; invocations per minute say little where models differ in cost.
          predefinedMetricType: 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
        },
        scaleOutCooldown: 60,
        scaleInCooldown: 300,
      },
    });
  }
}
