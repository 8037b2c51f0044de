import { App, Tags, Validations } from 'aws-cdk-lib';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readInfraConfig } from './config.ts';
import { HostingStack } from './stacks/hosting-stack.ts';
import { LlmStack } from './stacks/llm-stack.ts';
import { ServiceStack } from './stacks/service-stack.ts';
import { StorageStack } from './stacks/storage-stack.ts';

/**
 * The stacks of one deployment. `buildFolder` holds the functions as infra/build.ts leaves them; `context` stands for
 * cdk.json and `-c` where CDK's command line does not start the app.
 */
export function createApp(buildFolder: string, context?: Record<string, unknown>): App {
  const app = new App(context && { context });
  const config = readInfraConfig(app.node.getAllContext());
  // Without credentials both are absent, and the templates fit any account and region.
  const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
  const storage = new StorageStack(app, 'LambentStorage', { env, config });
  const hosting =
    config.hosting === 'gpu' ? new HostingStack(app, 'LambentHosting', { env, config, storage }) : undefined;
  const llm = config.llm.length > 0 ? new LlmStack(app, 'LambentLlm', { env, config, storage }) : undefined;
  new ServiceStack(app, 'LambentService', {
    ...{ env, config, buildFolder, storage },
    ...{ endpoint: hosting?.endpoint, llm },
  });
  Tags.of(app).add('application', 'lambent');
  if (storage.alarmTopic) sendAlarms(app, storage.alarmTopic);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

/** Every alarm of every stack, so that none is forgotten. */
function sendAlarms(app: App, topic: ITopic): void {
  for (const construct of app.node.findAll()) {
    if (construct instanceof Alarm) construct.addAlarmAction(new SnsAction(topic));
  }
}
