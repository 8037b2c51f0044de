import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServiceError } from '../../../functions/errors.ts';
import {
  chooseVersion,
  deleteVersion,
  type ModelEntry,
  moveAlias,
  rollbackAlias,
  withReadyVersion,
} from '../../../functions/registry/model-entry.ts';

const change = { by: 'ada', at: '2026-11-23T12:00:00.000Z' };
const empty: ModelEntry = { name: 'm', aliases: {}, versions: [], revision: 0 };
const entry: ModelEntry = { name: 'm', aliases: { production: '1' }, versions: ['1', '2', '3'], revision: 1 };
const refused = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof ServiceError && error.code === code && message.test(error.message);

test('whatever the order and however often versions become READY, the first that was uploaded is production', () => {
  const uploads = ['3', '1', '2'].map((version, second) => ({ version, at: `2026-11-23T12:00:0${second}.000Z` }));
  const events = [...uploads, ...uploads];
  fc.assert(
    fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
      const result = shuffled.reduce((state, { version, at }) => withReadyVersion(state, version, at), empty);
      assert.deepEqual([result.aliases, result.versions], [{ production: '3' }, ['1', '2', '3']]);
    }),
    { seed: 1 },
  );
});

test('an alias that somebody moved or removed is not moved by a version that becomes READY', () => {
  const moved = moveAlias(entry, 'production', '2', change);
  assert.equal(withReadyVersion(moved, '0', '2020-01-01T00:00:00.000Z').aliases.production, '2');
  const removed = moveAlias(entry, 'production', undefined, change);
  assert.deepEqual(withReadyVersion(removed, '4', '2026-01-01T00:00:00.000Z').aliases, {});
});

test('an alias may have the name of what every object has', () => {
  assert.equal(chooseVersion(entry, 'constructor', 'ada'), undefined);
  const moved = moveAlias(entry, 'constructor', { '1': 1, '2': 3 }, change, null);
  assert.deepEqual([moved.aliases.constructor, moved.history?.[0]?.from], ['2', undefined]);
});

test('a move is kept with who, when, from and to, and rollback undoes it', () => {
  const moved = moveAlias(entry, 'production', { '1': 95, '2': 5 }, change);
  assert.deepEqual(moved.aliases, { production: '1' });
  assert.deepEqual(moved.splits, { production: { '1': 95, '2': 5 } });
  assert.deepEqual(moved.history, [{ alias: 'production', ...change, from: '1', to: { '1': 95, '2': 5 } }]);
  const back = rollbackAlias(moved, 'production', { ...change, by: 'bob' });
  assert.deepEqual([back.aliases, back.splits], [{ production: '1' }, {}]);
  assert.equal(back.history?.[1]?.by, 'bob');
  assert.throws(() => rollbackAlias(entry, 'production', change), refused('conflict', /was not moved yet/));
});

test('a move is refused where the alias points elsewhere than expected, or the version is not READY', () => {
  assert.equal(moveAlias(entry, 'production', '2', change, '1').aliases.production, '2');
  assert.equal(moveAlias(entry, 'canary', '2', change, null).aliases.canary, '2');
  assert.throws(
    () => moveAlias(entry, 'production', '2', change, '3'),
    refused('conflict', /points at "1", not at "3"/),
  );
  assert.throws(
    () => moveAlias(entry, 'canary', '9', change),
    refused('invalid_request', /no READY version '9'.*1, 2, 3/),
  );
  assert.throws(() => moveAlias(entry, 'Canary!', '1', change), refused('invalid_request', /is no alias/));
});

test('a version that an alias points at, also with little weight, is not deleted; a deleted one does not come back', () => {
  const split = moveAlias(entry, 'production', { '1': 95, '2': 5 }, change);
  assert.throws(() => deleteVersion(split, '2'), refused('conflict', /'production' points at/));
  assert.throws(() => deleteVersion(split, '9'), refused('model_not_found', /no READY version '9'/));
  const deleted = deleteVersion(split, '3');
  assert.deepEqual([deleted.versions, deleted.deleted], [['1', '2'], ['3']]);
  assert.deepEqual(withReadyVersion(deleted, '3', change.at).versions, ['1', '2']);
});

test('a split sends about its share to each version, always the same for one caller, and growing takes nobody back', () => {
  const callers = Array.from({ length: 2000 }, (_, index) => `caller-${index}`);
  const canaryOf = (weight: number) => {
    const split = moveAlias(entry, 'production', { '1': 100 - weight, '2': weight }, change);
    return new Set(callers.filter((caller) => chooseVersion(split, 'production', caller) === '2'));
  };
  const [few, more] = [canaryOf(5), canaryOf(20)];
  assert.ok(few.size > 60 && few.size < 140, `${few.size} of 2000 at 5 %`);
  assert.ok(more.size > 340 && more.size < 460, `${more.size} of 2000 at 20 %`);
  assert.deepEqual(
    [...few].filter((caller) => !more.has(caller)),
    [],
  );
});
