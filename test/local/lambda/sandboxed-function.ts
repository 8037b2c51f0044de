import type { Context } from 'aws-lambda';

interface Event {
  readonly do: 'echo' | 'throw' | 'throw text' | 'crash' | 'die' | 'never' | 'block' | 'big' | 'nothing' | 'meet';
  /** meet: answers once so many invocations are there. */
  readonly guests?: number;
}

const meeting: (() => void)[] = [];

/** A function that does what a test asks it to do. */
export async function handler(event: Event, context: Context): Promise<unknown> {
  switch (event.do) {
    case 'throw':
      throw new RangeError('out of range');
    case 'throw text':
      throw 'text';
    case 'crash':
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return new Promise(() => {});
    case 'never':
      return new Promise(() => {});
    case 'die':
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    case 'block':
      for (;;);
    case 'big':
      return 'a'.repeat(7_000_000);
    case 'nothing':
      return undefined;
    case 'meet': {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (meeting.push(resolve) === event.guests) for (const arrived of meeting) arrived();
      return promise;
    }
    default: {
      const { functionName, awsRequestId, memoryLimitInMB } = context;
      const remaining = context.getRemainingTimeInMillis();
      return {
        event,
        functionName,
        awsRequestId,
        memoryLimitInMB,
        remaining,
        pid: process.pid,
        secret: process.env.SECRET,
      };
    }
  }
}
