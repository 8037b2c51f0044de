import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface FailedJobsAlarmProps {
  /** Of `run-batch`, which writes a line for each job that has failed. */
  readonly log: ILogGroup;
}

/** Jobs that ended as FAILED: counted in the log, so that `run-batch` need not write metrics. */
export class FailedJobsAlarm extends Construct {
  constructor(scope: Construct, id: string, { log }: FailedJobsAlarmProps) {
    super(scope, id);
    const filter = log.addMetricFilter('Filter', {
      // A phrase, not a field: Lambda puts a prefix before the line, and it is no JSON then.
      filterPattern: FilterPattern.allTerms('a job failed'),
      metricNamespace: 'Lambent',
      metricName: 'FailedJobs',
    });
    new Alarm(this, 'Alarm', {
      alarmDescription: 'A job has failed; `npm run jobs -- list --aws` says which, and why.',
      metric: filter.metric({ period: Duration.minutes(5), statistic: 'Sum' }),
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
