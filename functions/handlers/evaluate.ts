import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { eachMessage } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';
import { reportJob } from '../reports/report-job.ts';

const services = createServices(readConfig(process.env));
const giveUp = keepReason('evaluate', services);

/** Results of a labelled job -> metrics with intervals -> report.json and report.html. */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const work = async ({ body }: SQSRecord) => {
    for (const { key } of readObjectEvents(body)) await reportJob(key, services);
  };
  return await eachMessage(event, work, giveUp);
}
