import { ServiceError } from '../errors.ts';
import type { ModelHost, ModelSource } from './model-host.ts';
import { onDeadline, openSession, type Session } from './session.ts';

interface Entry {
  readonly bytes: number;
  readonly session: Promise<Session>;
  /** Absent while it loads. */
  opened?: Session;
  /** Callers that wait for it to load or to answer. */
  callers: number;
  /** Called when the last of them leaves. */
  onFree?: () => void;
}

/** Keeps models loaded within `cacheBytes` of model files; the least recently used idle ones make room for others. */
export function createModelHost({ cacheBytes }: { cacheBytes: number }): ModelHost {
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  let sequences = 0;

  /** Takes idle models out of the cache until `bytes` fit. */
  function makeRoom(bytes: number): Entry[] {
    if (bytes > cacheBytes) {
      throw new ServiceError(
        'model_failed',
        `the model has ${bytes} bytes; this host keeps ${cacheBytes} (MODEL_CACHE_BYTES)`,
      );
    }
    let excess = [...entries.values()].reduce((sum, entry) => sum + entry.bytes, bytes - cacheBytes);
    const leaving = [...entries].filter(([, entry]) => {
      if (excess <= 0 || entry.callers > 0 || !entry.opened?.idle()) return false;
      excess -= entry.bytes;
      return true;
    });
    if (excess > 0) {
      const message = 'the host has no room for the model now: those that it keeps are all at work';
      throw new ServiceError('model_not_ready', message, { retryAfterSeconds: 1 });
    }
    for (const [name] of leaving) entries.delete(name);
    return leaving.map(([, entry]) => entry);
  }

  function open(source: ModelSource): Entry {
    const leaving = makeRoom(source.bytes);
    const forget = () => {
      if (entries.get(source.id) === entry) entries.delete(source.id);
    };
    const session = Promise.all(leaving.map(close)).then(() => openSession(source, forget));
    const entry: Entry = { bytes: source.bytes, session, callers: 0 };
    // A failed load is not kept: the next request tries again.
    session.then((opened) => {
      entry.opened = opened;
    }, forget);
    return entry;
  }

  /** Until `release` the model stays loaded. */
  async function acquire(source: ModelSource, deadline: number): Promise<{ session: Session; release: () => void }> {
    if (deadline <= Date.now()) throw new ServiceError('deadline_exceeded', 'the time for the request was over');
    const entry = entries.get(source.id) ?? open(source);
    entries.delete(source.id);
    entries.set(source.id, entry);
    entry.callers++;
    const release = () => {
      entry.callers--;
      if (entry.callers === 0) entry.onFree?.();
    };
    try {
      return { session: entry.opened ?? (await loaded(entry, deadline)), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async function withSession<Result>(
    source: ModelSource,
    deadline: number,
    use: (session: Session) => Promise<Result>,
  ) {
    const { session, release } = await acquire(source, deadline);
    try {
      return await use(session);
    } finally {
      release();
    }
  }

  return {
    describe: (source, deadline) => withSession(source, deadline, async ({ metadata }) => metadata),
    infer: (source, request, deadline) => withSession(source, deadline, (session) => session.infer(request, deadline)),
    async openSequence(source, deadline) {
      const { session, release } = await acquire(source, deadline);
      const id = sequences++;
      return {
        metadata: session.metadata,
        async step(inputs, output, carry, until) {
          const [result] = await session.step({ inputs, outputs: [{ name: output }] }, { id, carry }, until);
          return result!;
        },
        close() {
          session.forget(id);
          release();
        },
      };
    },
    async runEnded(id) {
      await entries.get(id)?.opened?.runEnded();
    },
    async unload(id) {
      const entry = entries.get(id);
      if (!entry) return false;
      entries.delete(id);
      // Those who hold it have still to ask it; nobody else can come.
      if (entry.callers > 0) await new Promise<void>((resolve) => (entry.onFree = resolve));
      await close(entry);
      return true;
    },
    loaded: () => [...entries].filter(([, { opened }]) => opened).map(([id]) => id),
    async close() {
      const leaving = [...entries.values()];
      entries.clear();
      await Promise.all(leaving.map(close));
    },
  };
}

/** A load goes on when a caller's time is over: the next caller finds the model ready. */
async function loaded({ session }: Entry, deadline: number): Promise<Session> {
  const late = Promise.withResolvers<never>();
  const timer = onDeadline(deadline, () => {
    late.reject(new ServiceError('model_not_ready', 'the model is still loading', { retryAfterSeconds: 1 }));
  });
  try {
    return await Promise.race([session, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function close({ session }: Entry): Promise<void> {
  await session.then(
    (opened) => opened.close(),
    () => undefined,
  );
}
