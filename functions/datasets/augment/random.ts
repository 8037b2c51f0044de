import { seededRandom } from '../../seeded-random.ts';

/** Numbers in [0, 1); the same for the same record and copy, whoever makes it. */
export type Random = () => number;

export function randomOf(id: string, copy: number): Random {
  return seededRandom(`${id} ${copy}`);
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

/** Normal, mean 0 and standard deviation 1: Box and Muller's transform. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
