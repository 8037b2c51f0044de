/** A file as a task's output: bytes over HTTP, base64 where an answer is kept as JSON. */
export function toFileOutput(bytes: Uint8Array): Uint8Array {
  return Object.assign(bytes, { toJSON: () => Buffer.from(bytes).toString('base64') });
}
