import { join } from 'node:path';
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import {
  type FunctionDefinition,
  type FunctionName,
  functions,
  type LayerName,
  layersOf,
} from '../../functions/manifest.ts';
import { allow } from '../allow.ts';
import type { InfraConfig } from '../config.ts';
import { FailedJobsAlarm } from '../constructs/failed-jobs-alarm.ts';
import { HttpApi } from '../constructs/http-api.ts';
import { LambentFunction } from '../constructs/lambent-function.ts';
import { NativeLayer } from '../constructs/native-layer.ts';
import { WebFirewall } from '../constructs/web-firewall.ts';
import { grantAccess, type LlmHost } from '../grants.ts';
import type { StorageStack } from './storage-stack.ts';

/** Functions that read a queue and ask no model host. */
const runsNoModel: readonly FunctionName[] = ['evaluate', 'prepare-dataset'];

export interface ServiceStackProps extends StackProps {
  readonly config: InfraConfig;
  /** Folder with one bundle per function. */
  readonly buildFolder: string;
  readonly storage: StorageStack;
  /** Absent: models run on the CPU host alone. */
  readonly endpoint?: CfnEndpoint;
  /** Absent: no language models but those on the CPU host. */
  readonly llm?: LlmHost;
}

/** The functions of functions/manifest.ts and the API in front of them. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    super(scope, id, props);
    const { storage, config } = props;
    const layers = new Map<LayerName, NativeLayer>();
    const layerOf = (name: LayerName) => {
      const layer = layers.get(name) ?? new NativeLayer(this, name);
      layers.set(name, layer);
      return layer.layer;
    };
    const create = (name: FunctionName, environment: Record<string, string>, reservedConcurrency?: number) =>
      new LambentFunction(this, name, {
        definition: functions[name],
        code: join(props.buildFolder, name),
        environment: {
          TABLE_NAME: storage.table.tableName,
          ARTIFACTS_BUCKET: storage.artifacts.bucket.bucketName,
          DATA_BUCKET: storage.data.bucket.bucketName,
          ...environment,
        },
        layers: layersOf(functions[name], config.video).map(layerOf),
        config,
        reservedConcurrency,
      });
    const infer = create('infer', {}, config.inferConcurrency);
    const hosts = {
      INFER_FUNCTION_NAME: infer.handler.functionName,
      ...(props.endpoint && { SAGEMAKER_ENDPOINT_NAME: props.endpoint.attrEndpointName }),
      ...(props.llm && { LLM_ENDPOINT_NAME: props.llm.endpoint.attrEndpointName }),
    };
    const metrics = { METRICS_NAMESPACE: 'Lambent' };
    const api = create('api', {
      ...hosts,
      API_KEY_PEPPER_SECRET_ID: storage.apiKeyPepper.secretArn,
      CORS_ORIGIN: config.corsOrigin,
      ...metrics,
    });
    const environmentOf = (name: FunctionName) => {
      if (runsNoModel.includes(name)) return {};
      // A trial of a package is no use of it.
      return name === 'register-model' ? hosts : { ...hosts, ...metrics };
    };
    const queued = [...storage.uploadQueues.keys()].map((name) => [name, create(name, environmentOf(name))] as const);
    const deployed = { api, infer, ...Object.fromEntries(queued) } as Record<FunctionName, LambentFunction>;
    grantAccess(deployed, storage, props.endpoint, props.llm);
    this.connectQueues(deployed, storage);
    this.subscribe(deployed, storage);
    new FailedJobsAlarm(this, 'FailedJobs', { log: deployed['run-batch'].log });
    const http = new HttpApi(this, 'Http', { handler: api.handler, config });
    if (config.waf) new WebFirewall(this, 'Firewall', { stage: http.api.deploymentStage });
    new CfnOutput(this, 'ApiUrl', { value: http.api.url });
    // For the owner's commands that ask a model.
    new CfnOutput(this, 'InferFunctionName', { value: infer.handler.functionName });
    if (props.endpoint) new CfnOutput(this, 'SagemakerEndpointName', { value: props.endpoint.attrEndpointName });
  }

  /** Tells each function of the queues that it sends work to, and lets it. */
  private connectQueues(deployed: Record<FunctionName, LambentFunction>, { uploadQueues }: StorageStack): void {
    for (const [name, { sendsTo }] of Object.entries<FunctionDefinition>(functions)) {
      if (!sendsTo) continue;
      const { handler, role } = deployed[name as FunctionName];
      const queues = sendsTo.map((target) => [target, uploadQueues.get(target as FunctionName)!.queue] as const);
      const urls = queues.map(([target, { queueUrl }]) => [target, queueUrl]);
      handler.addEnvironment('WORK_QUEUES', this.toJsonString(Object.fromEntries(urls)));
      for (const [, { queueArn }] of queues) allow(role, { actions: ['sqs:SendMessage'], resource: queueArn });
    }
  }

  private subscribe(deployed: Record<FunctionName, LambentFunction>, storage: StorageStack): void {
    for (const [name, { queue, maxConcurrency }] of storage.uploadQueues) {
      const source = new SqsEventSource(queue, {
        // One upload at a time, so that each has the function's whole time-out.
        batchSize: 1,
        maxConcurrency,
        reportBatchItemFailures: true,
      });
      deployed[name].handler.addEventSource(source);
    }
  }
}
