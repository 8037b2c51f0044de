import { parseArgs } from 'node:util';

export const help = `npm start [-- options]   runs Lambent on 127.0.0.1 with the sample models

  --open    takes calls without an API key, from this machine only
  --disorder <seed>
            delivers uploads twice, late and in any order, as AWS may
  --help    shows this

PORT=<number>             the port of the API (8080)
LAMBENT_STATE=<folder>    where models, keys and objects are kept (.lambent); delete it to start afresh

npm run keys -- create <name>   makes an API key
npm run push -- <folder>        adds a model package`;

export interface Options {
  readonly help: boolean;
  readonly open: boolean;
  /** Seed of the disorder in which queues deliver. */
  readonly disorder?: string;
  readonly port: number;
  readonly state: string;
}

/** Throws with a sentence for people. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      open: { type: 'boolean', default: false },
      disorder: { type: 'string' },
    },
  });
  const port = Number(environment.PORT || 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is '${environment.PORT}'; it must be a whole number from 0 to 65535`);
  }
  return { ...values, port, state: environment.LAMBENT_STATE || '.lambent' };
}
