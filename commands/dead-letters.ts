import { parseArgs } from 'node:util';
import { connect } from './connect.ts';

const usage = `npm run dead-letters -- list                 shows what was given up, and why
npm run dead-letters -- redrive <function>   sends it back to the function's queue
With --aws: of the deployed platform, found by lambent-outputs.json; else of the one that npm start runs here.`;

try {
  await main();
} catch (error) {
  console.error(`dead-letters: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { aws: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const [command, argument] = positionals;
  if (values.help || !command) return console.log(usage);
  const { services } = connect(values);
  if (command === 'list') {
    for (const { functionName, count, letters } of await services.listDeadLetters()) {
      console.log(`${functionName}: ${count}`);
      for (const { givenUpAt, messageId, reason, body } of letters) {
        console.log(`  ${givenUpAt}  ${messageId}  ${reason}\n    ${body}`);
      }
      // Of messages that the function could not even receive.
      if (count > letters.length) console.log(`  ${count - letters.length} without a reason: see the function's log`);
    }
  } else if (command === 'redrive' && argument) {
    console.log(`${await services.redriveDeadLetters(argument)} messages go back to ${argument}.`);
  } else {
    throw new Error(`'${positionals.join(' ')}' is not a command. Usage:\n${usage}`);
  }
}
