import { text } from 'node:stream/consumers';
import type { Context, SQSEvent } from 'aws-lambda';
import { handler } from '../../functions/handlers/register-model.ts';

/** The register-model function for one event, read from standard input, in a process that can be killed. */
const event = JSON.parse(await text(process.stdin)) as SQSEvent;
const answer = await handler(event, { getRemainingTimeInMillis: () => 60_000 } as Context);
process.exitCode = answer.batchItemFailures.length;
