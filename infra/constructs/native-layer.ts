import { fileURLToPath } from 'node:url';
import { Stack, Validations } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { LayerName } from '../../functions/manifest.ts';
import { describeLayer, layerHash } from '../../layers/packages.ts';

const buildScript = fileURLToPath(new URL('../../layers/build.ts', import.meta.url));

/**
 * Native code as a layer for arm64. Synthesis only names it, by the integrity of what it is made of; `cdk deploy` runs
 * layers/build.ts when that name is not yet in the account, and only then needs the npm registry (ffmpeg: a C compiler).
 */
export class NativeLayer extends Construct {
  readonly layer: LayerVersion;

  constructor(scope: Construct, id: LayerName) {
    super(scope, `${id}-layer`);
    const asset = Stack.of(this).synthesizer.addFileAsset({
      displayName: `layers/${id}`,
      sourceHash: layerHash(id, 'arm64'),
      executable: [process.execPath, buildScript, id],
    });
    const assets = Bucket.fromBucketName(this, 'Assets', asset.bucketName);
    Validations.of(assets).acknowledge({
      id: 'Annotation::@aws-cdk/aws-lambda:codeFromBucketObjectVersionNotSpecified',
      reason: 'The key holds the hash of the content.',
    });
    this.layer = new LayerVersion(this, 'Layer', {
      description: describeLayer(id, 'arm64'),
      code: Code.fromBucketV2(assets, asset.objectKey),
      compatibleArchitectures: [Architecture.ARM_64],
      compatibleRuntimes: [Runtime.NODEJS_24_X],
    });
  }
}
