import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorkerThread } from '../../../functions/host/worker-thread.ts';
import { addOneModel } from '../../onnx-model.ts';

test('a thread answers what it is asked; once it has ended every call is host_unavailable', async () => {
  const worker = startWorkerThread('test');
  const load = { kind: 'load', graph: addOneModel(), externalData: [] } as const;
  assert.ok('metadata' in (await worker.call(load)));
  await worker.close();
  await assert.rejects(worker.call(load), { code: 'host_unavailable' });
});
