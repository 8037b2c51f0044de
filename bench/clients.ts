import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elementsOf } from '../functions/inference/tensor.ts';
import { type Answer, type Caller, createCaller, type PreparedRequest } from './load.ts';
import { models, writePackages } from './models.ts';
import { end, startServer } from './processes.ts';
import { goal, type Section, table } from './report.ts';
import { median, spread } from './statistics.ts';
import { push } from './variants.ts';

const callers = 16;
const fileBytes = 1_000_000;

interface Contest {
  readonly name: string;
  readonly requests: readonly PreparedRequest[];
  /** What both must answer alike. */
  read(answer: Answer): readonly number[];
}

/** What OpenAI's clients ask, of the platform and of a bare server that does no more than that. */
export async function clients({ quick }: { quick: boolean }): Promise<Section> {
  const folder = await mkdtemp(join(tmpdir(), 'lambent-bench-clients-'));
  const state = await mkdtemp(join(tmpdir(), 'lambent-bench-'));
  await writePackages(folder);
  await makeEmbedder(join(folder, 'minilm'));
  const bare = await startServer(['bench/peers/bare-clients.ts', folder]);
  const lambent = await startServer(['local/main.ts'], { PORT: '0', LAMBENT_STATE: state });
  const [bareCaller, lambentCaller] = [createCaller(bare.url, callers), createCaller(lambent.url, callers)];
  try {
    await push(join(folder, 'minilm'), state);
    const key = { 'x-api-key': /lam_\S+/.exec(lambent.printed)![0] };
    const plan = quick ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 3 };
    const measured = [];
    for (const contest of [embeddings(key), upload(key)]) {
      measured.push({ ...contest, ...(await measure(contest, bareCaller, lambentCaller, plan)) });
    }
    const ratio = ({ ours, theirs }: { ours: number[]; theirs: number[] }) => median(ours) / median(theirs);
    return {
      title: "What OpenAI's clients ask",
      goals: measured.map((one) =>
        goal(`${one.name}, ${callers} callers: requests/s of bare`, one.least, ratio(one), '×'),
      ),
      text: `\`bare\` is node:http with the same parser, session.run and the disk: no keys, no table, no S3. Answers are compared first.\n\n${table(
        ['request', 'bare/s', 'lambent/s', '× bare'],
        measured.map((one) => [one.name, spread(one.theirs, 0), spread(one.ours, 0), ratio(one).toFixed(2)]),
      )}`,
    };
  } finally {
    await Promise.all([bareCaller.close(), lambentCaller.close()]);
    await Promise.all([end(bare.process), end(lambent.process)]);
    await Promise.all([folder, state].map((one) => rm(one, { recursive: true, force: true, maxRetries: 5 })));
  }
}

/** The encoder as a model of embeddings: token ids are asked, so that its tokenizer only has to be there. */
async function makeEmbedder(folder: string): Promise<void> {
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a'];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const tokenizer = {
    added_tokens: words.slice(0, 5).map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: {
      type: 'BertNormalizer',
      lowercase: true,
      clean_text: true,
      strip_accents: null,
      handle_chinese_chars: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
  const bytes = Buffer.from(JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer.json'), bytes);
  const manifest = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as { files: object };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const files = { ...manifest.files, 'tokenizer.json': { sha256, size: bytes.length } };
  await writeFile(join(folder, 'model.json'), JSON.stringify({ ...manifest, task: 'feature-extraction', files }));
}

function embeddings(key: Record<string, string>): Contest & { least: { least: number } } {
  const model = models.find(({ name }) => name === 'minilm')!;
  const requests = Array.from({ length: 8 }, (_, seed) => {
    const ids = model.inputs(seed).find(({ name }) => name === 'input_ids')!;
    const input = Array.from(elementsOf({ ...ids, datatype: 'INT64' }), Number);
    const body = Buffer.from(JSON.stringify({ model: 'minilm', input, encoding_format: 'base64' }));
    return { path: '/v1/embeddings', headers: { ...key, 'content-type': 'application/json' }, body };
  });
  const read = ({ body }: Answer) => {
    const { data } = JSON.parse(body.toString()) as { data: { embedding: string }[] };
    const bytes = Buffer.from(data[0]!.embedding, 'base64');
    return [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
  };
  return { name: 'embeddings of 128 tokens', requests, read, least: { least: 0.7 } };
}

function upload(key: Record<string, string>): Contest & { least: { least: number } } {
  const head = 'content-disposition: form-data; name=';
  const before = `--edge\r\n${head}"purpose"\r\n\r\nuser_data\r\n--edge\r\n${head}"file"; filename="f"\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(before),
    Buffer.alloc(fileBytes, 'lambent '),
    Buffer.from('\r\n--edge--\r\n'),
  ]);
  const headers = { ...key, 'content-type': 'multipart/form-data; boundary=edge' };
  const read = (answer: Answer) => [(JSON.parse(answer.body.toString()) as { bytes: number }).bytes];
  return {
    name: 'upload of a form of 1 MB',
    requests: [{ path: '/v1/files', headers, body }],
    read,
    least: { least: 0.2 },
  };
}

/** Requests per second of both, round by round in turn, after their answers have been compared. */
async function measure(
  { name, requests, read }: Contest,
  bare: Caller,
  lambent: Caller,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<{ ours: number[]; theirs: number[] }> {
  for (const request of requests) {
    const [ours, theirs] = [read(await lambent.ask(request)), read(await bare.ask(request))];
    const wrong = ours.findIndex((value, at) => !(Math.abs(value - theirs[at]!) <= 1e-3));
    if (wrong >= 0 || ours.length !== theirs.length) throw new Error(`${name}: ${ours[wrong]} is not ${theirs[wrong]}`);
  }
  const rate = async (caller: Caller, count: number) =>
    (count / (await caller.load(requests, callers, count)).milliseconds) * 1000;
  const counts = [];
  for (const caller of [bare, lambent]) counts.push(Math.ceil((await rate(caller, 4 * callers)) * seconds));
  const result: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round++) {
    result.theirs.push(await rate(bare, counts[0]!));
    result.ours.push(await rate(lambent, counts[1]!));
  }
  return result;
}
