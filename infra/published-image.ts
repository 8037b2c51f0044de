import { Stack, Token } from 'aws-cdk-lib';
import { FactName, RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';

/**
 * An image of AWS's deep learning containers, whose account is another one in some regions. Throws where it is not known,
 * with the name of the choice that gives another image.
 */
export function publishedImage(scope: Construct, repository: string, tag: string, choice: string): string {
  const stack = Stack.of(scope);
  const { region, urlSuffix } = stack;
  if (!Token.isUnresolved(region) && !RegionInfo.get(region).dlcRepositoryAccount) {
    throw new Error(`${choice}: AWS's image account for ${region} is not known; give -c ${choice}=<image>`);
  }
  return `${stack.regionalFact(FactName.DLC_REPOSITORY_ACCOUNT)}.dkr.ecr.${region}.${urlSuffix}/${repository}:${tag}`;
}
