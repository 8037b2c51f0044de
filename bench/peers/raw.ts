import { inputsPerModel, models } from '../models.ts';
import { openSessions, toFeeds } from './sessions.ts';

/** session.run in a loop, in a process of its own: nothing but the model. Asked by messages of the parent process. */
export type RawQuestion = { kind: 'answers'; model: string } | { kind: 'run'; model: string; count: number };
export type RawAnswer =
  | { kind: 'answers'; outputs: Float32Array[] }
  | { kind: 'run'; milliseconds: number; latencies: Float64Array };

const sessions = await openSessions(process.argv[2]!);
const feedsOf = new Map(
  models.map(({ name, inputs }) => [name, Array.from({ length: inputsPerModel }, (_, seed) => toFeeds(inputs(seed)))]),
);

process.on('message', async (question: RawQuestion) => {
  const session = sessions.get(question.model)!;
  const feeds = feedsOf.get(question.model)!;
  const output = session.outputNames[0]!;
  if (question.kind === 'answers') {
    const outputs: Float32Array[] = [];
    for (const one of feeds) outputs.push(new Float32Array((await session.run(one))[output]!.data as Float32Array));
    return process.send!({ kind: 'answers', outputs } satisfies RawAnswer);
  }
  const latencies = new Float64Array(question.count);
  const started = performance.now();
  for (let index = 0; index < question.count; index++) {
    const before = performance.now();
    await session.run(feeds[index % feeds.length]!);
    latencies[index] = performance.now() - before;
  }
  const milliseconds = performance.now() - started;
  process.send!({ kind: 'run', milliseconds, latencies } satisfies RawAnswer);
});
process.once('disconnect', () => process.exit(0));
process.send!({ kind: 'ready' });
