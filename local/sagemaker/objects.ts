import { AwsError } from '../aws-error.ts';

/** The artifacts bucket by S3's REST API; the stand-in asks for no signature. */
export function createObjects({ s3Url, bucket }: { s3Url: string; bucket: string }) {
  async function read(key: string): Promise<Buffer | undefined> {
    const answer = await fetch(`${s3Url}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`);
    if (answer.ok) return Buffer.from(await answer.arrayBuffer());
    if (answer.status === 404) return undefined;
    throw new AwsError(500, 'InternalFailure', `S3 answered ${answer.status} for ${key}`);
  }

  return {
    /** Undefined: there is no such object. */
    read,
    async readPackageFile(key: string): Promise<Buffer> {
      const body = await read(key);
      if (body) return body;
      throw new AwsError(500, 'InternalFailure', `there is no object ${key}`);
    },
    /** Keys that begin with `prefix`. */
    async list(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for (let token: string | undefined, more = true; more; more = token !== undefined) {
        const query = new URLSearchParams({ 'list-type': '2', prefix, ...(token && { 'continuation-token': token }) });
        const text = await (await fetch(`${s3Url}/${bucket}?${query}`)).text();
        keys.push(...[...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!));
        token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1];
      }
      return keys;
    },
  };
}
