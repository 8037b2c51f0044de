/** Lambda's Invoke, RequestResponse. Throws where the function failed. */
export async function invokeFunction(url: string, name: string, event: unknown): Promise<unknown> {
  const response = await fetch(`${url}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST',
    body: JSON.stringify(event),
  });
  const answer = (await response.json()) as unknown;
  if (response.ok && !response.headers.has('x-amz-function-error')) return answer;
  throw new Error(`${name} failed: ${JSON.stringify(answer)}`);
}
