/** Fields that a log line may carry. Nothing of a payload, a key or a header value is among them. */
interface LogFields {
  readonly requestId?: string;
  readonly method?: string;
  /** The route's pattern, never the path that was asked for. */
  readonly route?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly keyId?: string;
  readonly model?: string;
  readonly version?: string;
  readonly job?: string;
  readonly bytesIn?: number;
  readonly errorCode?: string;
  /** An internal error's name and stack; only for errors that were not foreseen. */
  readonly error?: string;
}

const allowed: readonly (keyof LogFields)[] = [
  'requestId',
  'method',
  'route',
  'status',
  'durationMs',
  'keyId',
  'model',
  'version',
  'job',
  'bytesIn',
  'errorCode',
  'error',
];

/** One line of JSON on the function's console: time, level, message and the allowed fields, whatever else is passed. */
export function log(level: 'info' | 'warn' | 'error', message: string, fields: LogFields = {}): void {
  const line: Record<string, unknown> = { time: new Date().toISOString(), level, message };
  for (const name of allowed) if (fields[name] !== undefined) line[name] = fields[name];
  console.log(JSON.stringify(line));
}

const units = { count: 'Count', milliseconds: 'Milliseconds' } as const;

/**
 * Metrics as one line of the log, which CloudWatch takes for such by its embedded metric format.
 * Source: AWS, "Specification: Embedded metric format".
 */
export function logMetrics(
  namespace: string,
  dimensions: Readonly<Record<string, string>>,
  metrics: Readonly<Record<string, { unit: keyof typeof units; value: number }>>,
): void {
  const described = Object.entries(metrics).map(([Name, { unit }]) => ({ Name, Unit: units[unit] }));
  const values = Object.entries(metrics).map(([name, { value }]) => [name, value]);
  const directive = { Namespace: namespace, Dimensions: [Object.keys(dimensions)], Metrics: described };
  const _aws = { Timestamp: Date.now(), CloudWatchMetrics: [directive] };
  console.log(JSON.stringify({ _aws, ...dimensions, ...Object.fromEntries(values) }));
}

/** An unforeseen error for the log: its stack and the stacks of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? stack : `${stack}\ncaused by ${describeError(error.cause)}`;
}
