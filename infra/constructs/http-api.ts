import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  type CfnRestApi,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseTransferMode,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { InfraConfig } from '../config.ts';

/** One line of JSON per request; no header, query or body, since keys and payloads are none of a log's business. */
const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  responseLength: '$context.responseLength',
  responseLatencyMs: '$context.responseLatency',
  integrationLatencyMs: '$context.integrationLatency',
  integrationStatus: '$context.integration.status',
  errorType: '$context.error.responseType',
  tlsVersion: '$context.tlsVersion',
};

export interface HttpApiProps {
  readonly handler: LambdaFunction;
  readonly config: InfraConfig;
}

/** The front door: a Regional REST API that passes every request to one function and streams its response. */
export class HttpApi extends Construct {
  readonly api: RestApi;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    const { config, handler } = props;
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: config.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new RestApi(this, 'Api', {
      restApiName: 'lambent',
      endpointTypes: [EndpointType.REGIONAL],
      binaryMediaTypes: ['*/*'],
      // API Gateway writes an access log only in an account that has told it by which role.
      cloudWatchRole: true,
      deployOptions: {
        stageName: 'prod',
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
        loggingLevel: MethodLoggingLevel.OFF,
        tracingEnabled: true,
        throttlingRateLimit: config.requestsPerSecond,
        throttlingBurstLimit: config.requestBurst,
      },
      defaultIntegration: new LambdaIntegration(handler, {
        proxy: true,
        responseTransferMode: ResponseTransferMode.STREAM,
        // Beyond 29 seconds without a quota request, since the response is streamed: the function decides.
        timeout: handler.timeout ?? Duration.minutes(15),
        scopePermissionToMethod: false,
      }),
    });
    this.api.root.addMethod('ANY');
    this.api.root.addProxy({ anyMethod: true });
    this.requireTls12();
    this.explainRefusals(config.corsOrigin);
    this.watch();
    this.acknowledge(config);
  }

  /** A REST API still speaks TLS 1.0 unless it is told otherwise. */
  private requireTls12(): void {
    const api = this.api.node.defaultChild as CfnRestApi;
    api.addPropertyOverride('SecurityPolicy', 'SecurityPolicy_TLS13_1_2_2021_06');
    api.addPropertyOverride('EndpointAccessMode', 'STRICT');
  }

  /** What API Gateway refuses by itself (throttling, size, time-out) reads like our errors, in a browser too. */
  private explainRefusals(corsOrigin: string): void {
    for (const type of [ResponseType.DEFAULT_4XX, ResponseType.DEFAULT_5XX]) {
      this.api.addGatewayResponse(`${type.responseType}`, {
        type,
        responseHeaders: { 'Access-Control-Allow-Origin': `'${corsOrigin}'` },
        templates: { 'application/json': '{"error":$context.error.messageString}' },
      });
    }
  }

  private watch(): void {
    new Alarm(this, 'ServerErrors', {
      alarmDescription: 'The API answered with 5xx five times in five minutes.',
      metric: this.api.metricServerError({ period: Duration.minutes(5), statistic: 'Sum' }),
      threshold: 5,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private acknowledge(config: InfraConfig): void {
    Validations.of(this.api).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason: 'The function validates: bodies are tensors, pictures and JSON on one route.',
      },
      { id: 'AwsSolutions-APIG4', reason: 'The function authenticates by API key; liveness and readiness are public.' },
      { id: 'AwsSolutions-COG4', reason: 'Callers are programs that hold an API key, not people in a user pool.' },
      {
        id: 'AwsSolutions-APIG6',
        reason: 'Access log and function log cover it; execution logs go to a group that never expires.',
      },
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
        reason: 'AmazonAPIGatewayPushToCloudWatchLogs is what API Gateway asks for to write logs for the account.',
      },
    );
    if (config.waf) return;
    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-APIG3',
      reason: 'The operator chose no WAF (5 USD a month and more): throttling and API keys are always on.',
    });
  }
}
