import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { AwsError, notImplemented } from './aws-error.ts';
import { readBody, type StandIn, sendJson, startStandIn } from './stand-in-server.ts';

const secretSchema = z.object({ value: z.string(), versionId: z.string(), createdAt: z.number() });
type Secret = Readonly<z.infer<typeof secretSchema>>;

const requestSchema = z.strictObject({
  SecretId: z.string(),
  VersionId: z.string().optional(),
  VersionStage: z.string().optional(),
});

/**
 * Secrets Manager on 127.0.0.1: GetSecretValue. The secrets named by `secretIds` are 32 random bytes in hexadecimal, made at
 * the first start and kept in `file`, which only its owner can read.
 */
export async function startSecretsManager(options: {
  readonly file: string;
  readonly secretIds: readonly string[];
  readonly port?: number;
}): Promise<StandIn> {
  const secrets = loadSecrets(options.file, options.secretIds);
  return startStandIn({
    ...(options.port !== undefined && { port: options.port }),
    operation: ({ headers }) => String(headers['x-amz-target']).split('.')[1] ?? 'a request without X-Amz-Target',
    async handle(request, response, operation) {
      if (operation !== 'GetSecretValue') throw notImplemented(operation);
      const answer = getSecretValue(secrets, String(await readBody(request, 65_536)));
      sendJson(response, 200, answer, { 'content-type': 'application/x-amz-json-1.1' });
    },
  });
}

function getSecretValue(secrets: ReadonlyMap<string, Secret>, body: string) {
  const input = parseRequest(body);
  const name = input.SecretId.replace(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:(.+)-local0$/, '$1');
  const secret = secrets.get(name);
  const isCurrent =
    (input.VersionStage ?? 'AWSCURRENT') === 'AWSCURRENT' &&
    (input.VersionId ?? secret?.versionId) === secret?.versionId;
  if (!secret || !isCurrent) {
    throw new AwsError(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return {
    ARN: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-local0`,
    Name: name,
    SecretString: secret.value,
    VersionId: secret.versionId,
    VersionStages: ['AWSCURRENT'],
    CreatedDate: secret.createdAt,
  };
}

function parseRequest(body: string): z.infer<typeof requestSchema> {
  try {
    return requestSchema.parse(JSON.parse(body));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'the body is not JSON';
    throw new AwsError(400, 'InvalidParameterException', reason);
  }
}

function loadSecrets(file: string, ids: readonly string[]): Map<string, Secret> {
  const secrets = readSecrets(file);
  const missing = ids.filter((id) => !secrets.has(id));
  for (const id of missing) {
    const secret = { value: randomBytes(32).toString('hex'), versionId: randomUUID(), createdAt: Date.now() / 1000 };
    secrets.set(id, secret);
  }
  if (missing.length > 0) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(secrets), undefined, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return secrets;
}

/** A file that cannot be read as secrets is an error: new secrets would make every API key invalid. */
function readSecrets(file: string): Map<string, Secret> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
  try {
    return new Map(Object.entries(z.record(z.string(), secretSchema).parse(JSON.parse(text))));
  } catch (cause) {
    throw new Error(`${file} does not hold secrets; restore it, or remove it to make new ones (API keys end then)`, {
      cause,
    });
  }
}
