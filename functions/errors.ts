/** Every way in which Lambent can refuse or fail, with the HTTP status that callers see. The list is closed. */
export const errorCodes = {
  invalid_request: { status: 400, retryable: false },
  /** The model host ran the model and the model refused these inputs (an index out of range, shapes that do not fit). */
  model_rejected_input: { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  model_not_found: { status: 404, retryable: false },
  /** No job, file or batch of this name. */
  not_found: { status: 404, retryable: false },
  route_not_found: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  conflict: { status: 409, retryable: false },
  payload_too_large: { status: 413, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  /** The model exists but its host is still loading it, or has no room for it at this moment. */
  model_not_ready: { status: 429, retryable: true },
  throttled: { status: 429, retryable: true },
  internal: { status: 500, retryable: true },
  /** The model cannot be loaded, or its answer is not what its package declares. */
  model_failed: { status: 502, retryable: false },
  /** No answer from the model host: reset, refused, 5xx. Not 503: Hugging Face's client repeats that without end. */
  host_unavailable: { status: 502, retryable: true },
  deadline_exceeded: { status: 504, retryable: true },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The one error that is thrown on purpose. Its message is for the caller: no stack, ARN, path or payload in it. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  /** Seconds after which a retry makes sense; sent as `retry-after`. */
  readonly retryAfterSeconds?: number;
  /** Methods that the path has; sent as `allow`. */
  readonly allow?: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number; allow?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServiceError';
    this.code = code;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
    if (options.allow !== undefined) this.allow = options.allow;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

/** `error` if it is a ServiceError; else an `internal` one that hides everything unplanned from the caller. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError('internal', 'an unexpected error occurred; the request id identifies it in the log', {
    cause: error,
  });
}
