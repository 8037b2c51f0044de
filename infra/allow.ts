import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';

export interface Allowance {
  readonly actions: string[];
  /** An ARN. One that ends in `*` needs a reason. */
  readonly resource: string;
  readonly conditions?: Record<string, unknown>;
  /** Why the resource cannot be named more closely; cdk-nag is answered with it. */
  readonly wildcardReason?: string;
}

/** Lets a role do some actions on one resource. */
export function allow(role: Role, { actions, resource, conditions, wildcardReason }: Allowance): void {
  role.addToPolicy(new PolicyStatement({ actions, resources: [resource], conditions }));
  if (!wildcardReason) return;
  const id = `AwsSolutions-IAM5[Resource::${flattenCfnReference(Stack.of(role).resolve(resource))}]`;
  Validations.of(role).acknowledge({ id, reason: wildcardReason });
}
