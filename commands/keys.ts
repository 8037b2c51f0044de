import { parseArgs } from 'node:util';
import { connect } from './connect.ts';

const usage = `npm run keys -- create <name> [--requests-per-minute <n>]
                                makes an API key and shows it, this once
npm run keys -- list            shows the keys: id, name, first characters, times
npm run keys -- revoke <id>     ends a key; instances that trust it forget it within 30 seconds
With --aws: of the deployed platform, found by lambent-outputs.json; else of the one that npm start runs here.`;

try {
  await main();
} catch (error) {
  console.error(`keys: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      aws: { type: 'boolean', default: false },
      'requests-per-minute': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, argument] = positionals;
  if (values.help || !command) return console.log(usage);
  const { services } = connect(values);
  if (command === 'create' && argument) {
    const { key, secret } = await services.createApiKey(argument, readLimit(values['requests-per-minute']));
    console.log(`${secret}\n\nThis is key ${key.id} (${key.name}). It is shown this once: keep it now.`);
  } else if (command === 'list') {
    const keys = await services.listApiKeys();
    for (const { id, name, prefix, createdAt, revokedAt, requestsPerMinute: limit } of keys) {
      const state = revokedAt ? `revoked ${revokedAt}` : 'active';
      console.log([id, `${prefix}…`, createdAt, state, name, ...(limit ? [`${limit} a minute`] : [])].join('  '));
    }
  } else if (command === 'revoke' && argument) {
    if (!(await services.revokeApiKey(argument))) throw new Error(`there is no key with the id ${argument}`);
    console.log(`${argument} is revoked.`);
  } else {
    throw new Error(`'${positionals.join(' ')}' is not a command. Usage:\n${usage}`);
  }
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1e6) return limit;
  throw new Error(`--requests-per-minute is '${text}'; a whole number from 1 to 1000000 is needed`);
}
