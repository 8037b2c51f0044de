import { ServiceError } from '../errors.ts';
import { functions, maxAttempts } from '../manifest.ts';
import type { Services } from '../services.ts';
import { modelNamePattern, modelVersionPattern, parseModelFileKey } from '../storage/object-keys.ts';
import { withReadyVersion } from './model-entry.ts';
import type { Registration } from './model-manifest.ts';
import { type OpenEffects, openPackage } from './open-package.ts';

type Effects = OpenEffects & Pick<Services, 'writeRegistration' | 'updateModelEntry'>;

const longestReason = 4000;

/** What woke the registration. */
export interface Arrival {
  readonly key: string;
  /** When model.json arrived. */
  readonly uploadedAt: string;
  /** The message comes no further time: what is still in doubt is FAILED. */
  readonly last: boolean;
}

/**
 * Way C: `models/<model>/<version>/model.json` has arrived. Validates the package, loads its graph, proves it by its golden
 * inputs, packages it for Triton and registers it. The outcome, READY or FAILED with a reason, is in the table.
 * May run any number of times for one key, also at once, and end at any point: a READY version stays as it is.
 */
export async function registerModel(arrival: Arrival, effects: Effects, deadline: number): Promise<void> {
  const started = begin(arrival);
  if (!started) return;
  const ready =
    !(await effects.writeRegistration(started)) || (await validate(started, effects, deadline, arrival.last));
  if (ready) await enter(started, arrival.uploadedAt, effects);
}

/** The last step of a READY version: it is served from now on. */
async function enter(
  { name, version }: Registration,
  uploadedAt: string,
  { updateModelEntry }: Pick<Services, 'updateModelEntry'>,
): Promise<void> {
  await updateModelEntry(name, (entry) => withReadyVersion(entry, version, uploadedAt));
}

/**
 * The last attempt at a registration has ended its function: the version is FAILED, unless an attempt has come to an outcome,
 * or model.json was uploaded anew. Sent back from the dead letters it is validated again.
 */
export async function giveUpRegistration(
  arrival: Pick<Arrival, 'key' | 'uploadedAt'>,
  effects: Pick<Services, 'readRegistration' | 'writeRegistration' | 'updateModelEntry'>,
): Promise<void> {
  const started = begin(arrival);
  if (!started) return;
  const { name, version } = started;
  const current = (await effects.readRegistration(name, version)) ?? started;
  if (current.status === 'READY') await enter(started, arrival.uploadedAt, effects);
  if (current.status !== 'VALIDATING' || current.registeredAt !== arrival.uploadedAt) return;
  const { memoryMiB, timeoutSeconds } = functions['register-model'];
  const cause = `most likely out of memory (${memoryMiB} MiB) or of time (${timeoutSeconds} s)`;
  const advice = 'make its files smaller, JSON above all, and push it again';
  const reason = `validation ended without an answer, the last of ${maxAttempts} times, ${cause}: ${advice}`;
  await effects.writeRegistration({ ...current, status: 'FAILED', reason, finishedAt: new Date().toISOString() });
}

/** Undefined: what has arrived is no model.json of a version. */
function begin({ key, uploadedAt }: Pick<Arrival, 'key' | 'uploadedAt'>): Registration | undefined {
  const parsed = parseModelFileKey(key);
  if (parsed?.path !== 'model.json') return undefined;
  const { model: name, version } = parsed;
  // Such a folder can have no model.json of its name: nobody could ask for it, or be told of it.
  if (!modelNamePattern.test(name) || !modelVersionPattern.test(version)) return undefined;
  const startedAt = new Date().toISOString();
  return { name, version, status: 'VALIDATING', registeredAt: uploadedAt, startedAt };
}

/** Writes the outcome down and says whether it is READY. What may succeed later is thrown, so that it comes again. */
async function validate(started: Registration, effects: Effects, deadline: number, last: boolean): Promise<boolean> {
  const outcome = await openPackage(started, effects, deadline).then(
    (opened): Partial<Registration> => ({ status: 'READY', ...opened }),
    (error: unknown): Partial<Registration> => {
      const known = error instanceof ServiceError;
      if (known && !error.retryable) return { status: 'FAILED', reason: shorten(error.message) };
      if (!last) throw error;
      const reason = known ? error.message : 'an unexpected error occurred; the log has it';
      return { status: 'FAILED', reason: shorten(`it could not be validated, push it again: ${reason}`) };
    },
  );
  await effects.writeRegistration({ ...started, ...outcome, finishedAt: new Date().toISOString() });
  return outcome.status === 'READY';
}

/** A reason may list all that is wrong with a long model.json. */
function shorten(reason: string): string {
  return reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason;
}
