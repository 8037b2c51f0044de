import { Pool } from 'undici';

/** One request, built before the load begins. */
export interface PreparedRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

export interface Answer {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

export interface Load {
  readonly milliseconds: number;
  readonly latencies: Float64Array;
}

/** Asks one server over kept connections. Throws at the first answer whose status is not 200. */
export interface Caller {
  ask(request: PreparedRequest): Promise<Answer>;
  /** `callers` at once, each with its next request when it has its answer, until `count` are answered. */
  load(requests: readonly PreparedRequest[], callers: number, count: number): Promise<Load>;
  close(): Promise<void>;
}

export function createCaller(url: string, connections: number): Caller {
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 });

  /** Answers are counted and dropped: the load is to cost little beside the server. */
  function send(request: PreparedRequest, done: (error: Error | undefined, bytes: number) => void): void {
    let bytes = 0;
    let status = 0;
    pool.dispatch(
      { ...request, method: 'POST' },
      {
        onRequestStart() {},
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseData: (_controller, chunk) => {
          bytes += chunk.length;
        },
        onResponseEnd: () =>
          done(status === 200 ? undefined : new Error(`${url}${request.path}: status ${status}`), bytes),
        onResponseError: (_controller, cause) =>
          done(new Error(`${url}${request.path}: ${cause.message}`, { cause }), bytes),
      },
    );
  }

  return {
    async ask({ path, headers, body }) {
      const answer = await pool.request({ path, headers, body, method: 'POST' });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      if (answer.statusCode !== 200) throw new Error(`${path}: status ${answer.statusCode}: ${bytes}`);
      return { headers: answer.headers, body: bytes };
    },
    load(requests, callers, count) {
      const latencies = new Float64Array(count);
      const { promise, resolve, reject } = Promise.withResolvers<Load>();
      const started = performance.now();
      let sent = 0;
      let answered = 0;
      const next = () => {
        if (sent === count) return;
        const index = sent++;
        const before = performance.now();
        send(requests[index % requests.length]!, (error, bytes) => {
          if (error || bytes === 0) return reject(error ?? new Error('an empty answer'));
          latencies[index] = performance.now() - before;
          if (++answered === count) resolve({ milliseconds: performance.now() - started, latencies });
          else next();
        });
      };
      for (let caller = 0; caller < callers; caller++) next();
      return promise;
    },
    close: () => pool.close(),
  };
}
