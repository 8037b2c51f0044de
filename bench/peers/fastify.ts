import fastify from 'fastify';
import { Tensor } from 'onnxruntime-node';
import { openSessions } from './sessions.ts';

/** What people write: a route, tensors as numbers in JSON, session.run in the handler. */
interface Body {
  inputs: { name: string; datatype: string; shape: number[]; data: number[] }[];
}

const sessions = await openSessions(process.argv[2]!);
const app = fastify({ bodyLimit: 32 * 1024 * 1024 });

app.post<{ Params: { model: string }; Body: Body }>('/v2/models/:model/infer', async (request) => {
  const session = sessions.get(request.params.model)!;
  const feeds: Record<string, Tensor> = {};
  for (const { name, datatype, shape, data } of request.body.inputs) {
    feeds[name] =
      datatype === 'INT64'
        ? new Tensor('int64', BigInt64Array.from(data, BigInt), shape)
        : new Tensor('float32', Float32Array.from(data), shape);
  }
  const results = await session.run(feeds);
  const outputs = Object.entries(results).map(([name, { dims, data }]) => {
    return { name, datatype: 'FP32', shape: dims, data: Array.from(data as Float32Array) };
  });
  return { outputs };
});

console.log(`ready on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
