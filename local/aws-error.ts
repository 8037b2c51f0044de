/** An answer that AWS would give to a request that it refuses. `fields` are further members of the error's body. */
export class AwsError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'AwsError';
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

/** 501 with the operation's name: what a stand-in does not support it never accepts silently. */
export function notImplemented(operation: string): AwsError {
  return new AwsError(501, 'NotImplemented', `${operation} is not supported by this stand-in`);
}
