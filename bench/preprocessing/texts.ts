import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTokenizer } from '../../functions/media/tokenizer.ts';
import { contest, here } from './contest.ts';
import { startPython } from './python-peer.ts';

const tokenizerPath = fileURLToPath(new URL('../../models/sentiment/tokenizer.json', import.meta.url));

/** The sample's tokenizer over the lines of this repository's own documents. */
export async function texts(rounds: number): Promise<{ text: string }> {
  const documents = ['README.md', 'docs/tasks.md', 'docs/preprocessing.md', 'docs/deploy.md'];
  const lines = documents
    .flatMap((name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8').split('\n'))
    // Names of special tokens are text here, and tokens to the peer.
    .filter((line) => line.trim() !== '' && !/\[[A-Z]+\]/.test(line));
  const tokenizer = createTokenizer(JSON.parse(readFileSync(tokenizerPath, 'utf8')), {});
  const own = () => lines.map((line) => tokenizer.encode([line]).rows[0]!.ids);
  const peer = await startPython('tokenizers', ['tokenizers'], [tokenizerPath, lines]);
  if (peer && JSON.stringify(peer.answer) !== JSON.stringify(own()))
    throw new Error('token ids are not those of tokenizers');
  const characters = lines.reduce((sum, { length }) => sum + length, 0);
  const native = peer && {
    name: `tokenizers ${peer.version} (native, one thread)`,
    time: (calls: number) => peer.time('encode', calls),
  };
  const { table } = await contest([...(native ? [native] : []), here('Lambent', own)], { rounds, calls: 2 });
  peer?.end();
  const missing = peer ? '' : ' No Python with `tokenizers` is there.';
  return {
    text: `${lines.length} lines, ${characters} characters, by the tokenizer of the sample \`sentiment\`.${missing}\n\n${table}`,
  };
}
