import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import type { ApiKey, Services } from '../services.ts';
import type { Route } from './http.ts';
import { lowerCaseNames } from './read-request.ts';

/** API keys are `lam_` and 43 characters of base64url: 256 random bits. */
const secretPattern = /^lam_[A-Za-z0-9_-]{43}$/;

/**
 * Finds who calls by `Authorization: Bearer <key>` or `x-api-key: <key>` and leaves the key on the event.
 * Throws unauthorized. Liveness, readiness and CORS preflights need no key.
 */
export function authenticate(options: {
  services: Pick<Services, 'findApiKey'>;
  routes: readonly Route[];
  required: boolean;
}): MiddlewareObj<APIGatewayProxyEvent & { apiKey?: ApiKey }> {
  const publicPaths = new Set(options.routes.filter((route) => route.public).map((route) => route.path));
  return {
    before: async ({ event }) => {
      if (!options.required || event.httpMethod === 'OPTIONS' || publicPaths.has(event.path.replace(/\/$/, ''))) return;
      const secret = readSecret(lowerCaseNames(event.headers));
      const key = secretPattern.test(secret) ? await options.services.findApiKey(secret) : undefined;
      if (!key) throw new ServiceError('unauthorized', 'the API key is not known here, or was revoked');
      event.apiKey = key;
    },
  };
}

function readSecret(headers: Record<string, string>): string {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const secret = (bearer ?? headers['x-api-key'])?.trim();
  if (secret) return secret;
  throw new ServiceError('unauthorized', 'no API key: send it as `Authorization: Bearer <key>` or `x-api-key: <key>`');
}
