import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { maxReceiveCount } from '../manifest.ts';
import { eachMessage } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';
import { registerModel } from '../registry/register-model.ts';

const services = createServices(readConfig(process.env));

const giveUp = keepReason('register-model', services);

/** Kept back of the function's time for writing the outcome down. */
const reserveMilliseconds = 10_000;

/** model.json uploaded -> validate -> package -> register. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis() - reserveMilliseconds;
  const work = async ({ body, attributes }: SQSRecord) => {
    const last = Number(attributes.ApproximateReceiveCount) >= maxReceiveCount;
    for (const { key, eventTime } of readObjectEvents(body)) {
      await registerModel({ key, uploadedAt: eventTime, last }, services, deadline);
    }
  };
  return await eachMessage(event, work, giveUp);
}
