import { createHash, randomUUID } from 'node:crypto';
import { AwsError } from '../aws-error.ts';
import { openJournal } from './journal.ts';

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly md5: string;
  /** Milliseconds since the epoch, as all times here. */
  readonly sentAt: number;
  readonly visibleAt: number;
  readonly receives: number;
  readonly firstReceivedAt?: number;
  /** Of the latest receive. */
  readonly handle?: string;
  /** ARN of the queue that gave the message up. */
  readonly deadLetterSource?: string;
}

interface Redrive {
  readonly deadLetters: MessageQueue;
  readonly maxReceiveCount: number;
}

/** Where AWS may be unpleasant: numbers in [0, 1) that decide what comes twice, late, and in which order. */
type Disorder = () => number;

interface QueueOptions {
  readonly name: string;
  /** The queue's journal. */
  readonly file: string;
  readonly visibilityTimeoutSeconds: number;
  readonly redrive?: Redrive;
  readonly disorder?: Disorder;
  readonly now?: () => number;
}

type Entry = { readonly put: Message } | { readonly delete: string };

export interface MessageQueue {
  readonly name: string;
  readonly arn: string;
  readonly visibilityTimeoutSeconds: number;
  readonly redrive?: Redrive;
  /** Takes a message as it is, with its id. */
  put(message: Message): void;
  /** Throws InvalidMessageContents. */
  send(body: string, delaySeconds?: number): Message;
  /** Up to `max` visible messages, hidden from now on; one that was received too often is set aside. */
  receive(max: number, visibilitySeconds?: number): Message[];
  /** Ends when a message may be visible, at `until`, or when `signal` is aborted. */
  wait(until: number, signal: AbortSignal): Promise<void>;
  /** A handle that a later receive has replaced deletes nothing: the message comes again. */
  delete(handle: string): void;
  /** Throws MessageNotInflight. */
  changeVisibility(handle: string, seconds: number): void;
  /** All messages are visible now: whoever had received them is gone. */
  release(): void;
  /** Back to where each message was given up, or to `target`. Gives the number of messages. */
  moveMessages(findQueue: (arn: string) => MessageQueue | undefined, target?: MessageQueue): number;
  counts(): { visible: number; inFlight: number; delayed: number };
  close(): void;
}

/** Shares of messages that disorder delivers twice and late, and how late at most. */
const [doubleShare, lateShare, latestMilliseconds] = [0.3, 0.3, 300];

/** One standard queue of SQS. What it acknowledges it keeps in `file`, with receive counts and visibility times. */
export function openMessageQueue(options: QueueOptions): MessageQueue {
  const { name, redrive, disorder, now = Date.now } = options;
  const arn = `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const messages = new Map<string, Message>();
  const waiting = new Set<() => void>();

  const journal = openJournal<Entry>(
    options.file,
    (entry) => void ('put' in entry ? messages.set(entry.put.id, entry.put) : messages.delete(entry.delete)),
    () => [...messages.values()].map((put) => ({ put })),
  );
  const put = (message: Message) => {
    journal.append({ put: message });
    messages.set(message.id, message);
    for (const wake of [...waiting]) wake();
  };
  const remove = (id: string) => {
    if (!messages.has(id)) return;
    journal.append({ delete: id });
    messages.delete(id);
  };
  const visible = () => {
    const time = now();
    const found = [...messages.values()].filter(({ visibleAt }) => visibleAt <= time);
    return disorder ? shuffle(found, disorder) : found;
  };
  const receiveOne = (message: Message, visibilitySeconds: number): Message | undefined => {
    if (redrive && message.receives >= redrive.maxReceiveCount) {
      redrive.deadLetters.put({ ...withoutReceives(message), visibleAt: now(), deadLetterSource: arn });
      remove(message.id);
      return undefined;
    }
    const twice = disorder && message.receives === 0 && disorder() < doubleShare;
    const received = {
      ...message,
      receives: message.receives + 1,
      firstReceivedAt: message.firstReceivedAt ?? now(),
      handle: `${message.id}.${randomUUID()}`,
      visibleAt: twice ? now() : now() + visibilitySeconds * 1000,
    };
    put(received);
    return received;
  };
  /** The message that was received with this handle, if it is there still and nobody received it since. */
  const held = (handle: string) => {
    const message = messages.get(handle.split('.')[0]!);
    return message?.handle === handle ? message : undefined;
  };

  return {
    name,
    arn,
    visibilityTimeoutSeconds: options.visibilityTimeoutSeconds,
    ...(redrive && { redrive }),
    put,

    send(body: string, delaySeconds = 0): Message {
      checkBody(body);
      const late = disorder && disorder() < lateShare ? disorder() * latestMilliseconds : 0;
      const sentAt = now();
      const md5 = createHash('md5').update(body).digest('hex');
      const message = {
        id: randomUUID(),
        body,
        md5,
        sentAt,
        visibleAt: sentAt + delaySeconds * 1000 + late,
        receives: 0,
      };
      put(message);
      return message;
    },

    receive(max: number, visibilitySeconds = options.visibilityTimeoutSeconds): Message[] {
      const received: Message[] = [];
      for (const message of visible()) {
        if (received.length === max) break;
        const one = receiveOne(message, visibilitySeconds);
        if (one) received.push(one);
      }
      return received;
    },

    wait(until: number, signal: AbortSignal): Promise<void> {
      const next = [...messages.values()].reduce((least, { visibleAt }) => Math.min(least, visibleAt), until);
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          waiting.delete(end);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, Math.min(Math.max(next - now(), 0), 2 ** 31 - 1));
        waiting.add(end);
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
      });
    },

    delete(handle: string): void {
      checkHandle(handle);
      const message = held(handle);
      if (message) remove(message.id);
    },

    changeVisibility(handle: string, seconds: number): void {
      checkHandle(handle);
      const message = held(handle);
      if (!message) throw new AwsError(400, 'MessageNotInflight', 'The message is not in flight.');
      put({ ...message, visibleAt: now() + seconds * 1000 });
    },

    release(): void {
      for (const message of messages.values()) if (message.visibleAt > now()) put({ ...message, visibleAt: now() });
    },

    moveMessages(findQueue: (arn: string) => MessageQueue | undefined, target?: MessageQueue): number {
      let moved = 0;
      for (const message of messages.values()) {
        const { deadLetterSource, ...rest } = withoutReceives(message);
        const queue = target ?? findQueue(deadLetterSource ?? '');
        if (!queue) continue;
        queue.put({ ...rest, visibleAt: now() });
        remove(message.id);
        moved += 1;
      }
      return moved;
    },

    counts() {
      const time = now();
      const all = [...messages.values()];
      const hidden = all.filter(({ visibleAt }) => visibleAt > time);
      const inFlight = hidden.filter(({ receives }) => receives > 0).length;
      return { visible: all.length - hidden.length, inFlight, delayed: hidden.length - inFlight };
    },

    close: () => journal.close(),
  };
}

function withoutReceives(message: Message): Message {
  const { firstReceivedAt: _first, handle: _handle, ...rest } = message;
  return { ...rest, receives: 0 };
}

function checkHandle(handle: string): void {
  if (/^[0-9a-f-]{36}\.[0-9a-f-]{36}$/.test(handle)) return;
  throw new AwsError(400, 'ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

/** Source: SQS API reference, SendMessage: 1 byte to 1 MiB of the characters of XML 1.0. */
function checkBody(body: string): void {
  const bytes = Buffer.byteLength(body);
  if (bytes === 0 || bytes > 1_048_576) {
    throw new AwsError(400, 'InvalidParameterValue', `a message has 1 to 1048576 bytes; this one has ${bytes}`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what SQS refuses
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(body) || !body.isWellFormed()) {
    throw new AwsError(400, 'InvalidMessageContents', 'the message has characters that XML 1.0 does not allow');
  }
}

/** Fisher-Yates. */
function shuffle<T>(values: T[], random: () => number): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}
