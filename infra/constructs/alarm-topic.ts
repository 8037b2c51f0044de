import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

export interface AlarmTopicProps {
  readonly email: string;
  /**
   * Cost of the account in a month, in US dollars.
   * @default - no budget.
   */
  readonly monthlyBudgetUsd?: number;
}

/** Where alarms go: a topic with one address, and a budget that writes to the same address. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { enforceSSL: true });
    this.topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com'));
    this.topic.addSubscription(new EmailSubscription(props.email));
    if (props.monthlyBudgetUsd === undefined) return;
    const subscribers = [{ subscriptionType: 'EMAIL', address: props.email }];
    new CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: props.monthlyBudgetUsd, unit: 'USD' },
      },
      notificationsWithSubscribers: [
        { notificationType: 'ACTUAL', comparisonOperator: 'GREATER_THAN', threshold: 80, subscribers },
        { notificationType: 'FORECASTED', comparisonOperator: 'GREATER_THAN', threshold: 100, subscribers },
      ].map(({ subscribers, ...notification }) => ({ notification, subscribers })),
    });
  }
}
