import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { createServices } from '../create-services.ts';
import { NoAnswer } from '../no-answer.ts';
import { eachMessage, isLastAttempt } from '../queue/each-message.ts';
import { keepReason } from '../queue/keep-reason.ts';
import { readObjectEvents } from '../queue/read-object-events.ts';
import { giveUpRegistration, registerModel } from '../registry/register-model.ts';

const services = createServices(readConfig(process.env));

const keep = keepReason('register-model', services);

/** Kept back of the function's time for writing the outcome down. */
const reserveMilliseconds = 10_000;

/** model.json uploaded -> validate -> package -> register. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const deadline = Date.now() + context.getRemainingTimeInMillis() - reserveMilliseconds;
  const work = async (message: SQSRecord) => {
    for (const { key, eventTime } of readObjectEvents(message.body)) {
      await registerModel({ key, uploadedAt: eventTime, last: isLastAttempt(message) }, services, deadline);
    }
  };
  return await eachMessage(event, work, giveUp);
}

async function giveUp(message: SQSRecord, reason: string, error: unknown): Promise<void> {
  await keep(message, reason, error);
  if (!(error instanceof NoAnswer)) return;
  for (const { key, eventTime } of readObjectEvents(message.body)) {
    await giveUpRegistration({ key, uploadedAt: eventTime }, services);
  }
}
