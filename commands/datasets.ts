import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { PreparedManifest } from '../functions/datasets/prepared-manifest.ts';
import { formatCount } from '../functions/page/format.ts';
import { preparedKey } from '../functions/storage/object-keys.ts';
import { connect } from './connect.ts';
import { pushDataset } from './push-dataset.ts';

const usage = `npm run datasets -- push <folder>   uploads a data set and waits until it is prepared

The folder has a dataset.json, which says what is to be made of the other files; see docs/datasets.md.
  --name <name>   default: the folder's
  --page <file>   saves the page for people as a file
  --aws           to the deployed platform, found by lambent-outputs.json; else to the one that npm start runs here`;

try {
  await main();
} catch (error) {
  console.error(`datasets: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      page: { type: 'string' },
      aws: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, folder] = positionals;
  if (values.help || command !== 'push' || !folder) return console.log(usage);
  const { services } = connect({ aws: values.aws });
  const onUpload = (done: number, of: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of} files are there${done === of ? '\n' : ''}`);
  };
  const named = values.name === undefined ? {} : { name: values.name };
  const { manifest } = await pushDataset(folder, services, { ...named, onUpload });
  console.log(summary(manifest));
  const page = values.page && (await services.readData(preparedKey(manifest.dataset, 'profile.html')));
  if (values.page && page) await writeFile(values.page, page);
}

function summary({ dataset, counts, splits }: PreparedManifest): string {
  const dropped = Object.entries(counts.dropped).map(
    ([reason, count]) => `  dropped ${formatCount(count)} (${reason})`,
  );
  const parts = Object.entries(splits).map(
    ([name, { records, shards }]) =>
      `  ${name}: ${formatCount(records)} records in ${formatCount(shards.length)} shards`,
  );
  const copies = counts.augmented > 0 ? [`  made ${formatCount(counts.augmented)} changed copies`] : [];
  const lines = [
    `PREPARED  ${dataset}: ${formatCount(counts.kept)} of ${formatCount(counts.in)} records were kept`,
    ...dropped,
    ...copies,
    ...parts,
    `  look at prepared/${dataset}/profile.html of the data bucket`,
  ];
  return lines.join('\n');
}
