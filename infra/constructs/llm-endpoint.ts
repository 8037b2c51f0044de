import type { IRole } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import type { InfraConfig } from '../config.ts';

export const llmVariantName = 'AllTraffic';

export interface LlmEndpointProps {
  readonly config: InfraConfig;
  readonly executionRole: IRole;
}

/** Instances with GPUs for the inference components of language models: none while no component has a copy. */
export class LlmEndpoint extends Construct {
  readonly endpoint: CfnEndpoint;

  constructor(scope: Construct, id: string, { config, executionRole }: LlmEndpointProps) {
    super(scope, id);
    // No data capture (payloads stay out of S3) and no KMS key: these instances keep models on local NVMe disks, which
    // encrypt themselves and which SageMaker refuses a key for.
    const endpointConfig = new CfnEndpointConfig(this, 'Config', {
      executionRoleArn: executionRole.roleArn,
      productionVariants: [
        {
          variantName: llmVariantName,
          instanceType: config.llmInstanceType,
          initialInstanceCount: 1,
          managedInstanceScaling: {
            status: 'ENABLED',
            minInstanceCount: config.llmMinCopies === 0 ? 0 : 1,
            maxInstanceCount: config.llmMaxCopies * config.llm.length,
          },
          routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
          // Weights are fetched, loaded and compiled for before the first answer.
          modelDataDownloadTimeoutInSeconds: 3600,
          containerStartupHealthCheckTimeoutInSeconds: 3600,
          inferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
        },
      ],
    });
    endpointConfig.node.addDependency(executionRole);
    this.endpoint = new CfnEndpoint(this, 'Endpoint', {
      endpointConfigName: endpointConfig.attrEndpointConfigName,
    });
  }
}
