import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { allow } from '../allow.ts';

export interface TritonRoleProps {
  /** ARN of all Triton archives. */
  readonly archivesArn: string;
  readonly bucketArn: string;
  /** Name of the ECR repository that the container comes from. */
  readonly repository: string;
}

/** What SageMaker may do to run the container: read archives, pull one image, write its log and metrics. */
export class TritonRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: TritonRoleProps) {
    super(scope, id);
    const { account, region, partition } = Stack.of(this);
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    });
    allow(this.role, {
      actions: ['s3:GetObject'],
      resource: props.archivesArn,
      wildcardReason: 'One archive per model version; the prefix holds nothing else.',
    });
    allow(this.role, {
      actions: ['s3:ListBucket'],
      resource: props.bucketArn,
      conditions: { StringLike: { 's3:prefix': 'serving/*' } },
    });
    allow(this.role, {
      actions: ['ecr:GetAuthorizationToken'],
      resource: '*',
      wildcardReason: 'ecr:GetAuthorizationToken and cloudwatch:PutMetricData know no resource.',
    });
    allow(this.role, {
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resource: `arn:${partition}:ecr:${region}:*:repository/${props.repository}`,
      wildcardReason: "AWS's account for the image is another one in some regions; the repository's name is fixed.",
    });
    allow(this.role, {
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resource: `arn:${partition}:logs:${region}:${account}:log-group:/aws/sagemaker/Endpoints/*`,
      wildcardReason: "The endpoint, whose name the log group has, is made after this role; the prefix is SageMaker's.",
    });
    allow(this.role, {
      actions: ['cloudwatch:PutMetricData'],
      resource: '*',
      conditions: { StringEquals: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/Endpoints'] } },
    });
  }
}
