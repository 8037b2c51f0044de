import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { allow } from '../allow.ts';

export interface EndpointRoleProps {
  /** Folders of the artifacts bucket that the endpoint's models lie in, each with a slash at its end. */
  readonly folders: readonly string[];
  readonly bucketArn: string;
  /** Name of the ECR repository that the container comes from. */
  readonly repository: string;
}

/** What SageMaker may do to run a container: read its models, pull one image, write its log and metrics. */
export class EndpointRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: EndpointRoleProps) {
    super(scope, id);
    const { account, region, partition } = Stack.of(this);
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    });
    for (const folder of props.folders) {
      allow(this.role, {
        actions: ['s3:GetObject'],
        resource: `${props.bucketArn}/${folder}*`,
        wildcardReason: 'Models have any number of files; the folder holds nothing else.',
      });
    }
    allow(this.role, {
      actions: ['s3:ListBucket'],
      resource: props.bucketArn,
      conditions: { StringLike: { 's3:prefix': props.folders.map((folder) => `${folder}*`) } },
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
