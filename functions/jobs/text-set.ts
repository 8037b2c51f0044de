import { hash } from 'node:crypto';

/** Words of 32 bits of a text's digest: that two of ten million texts are taken for one has a chance of 1 in 10^14. */
const words = 3;
const firstCapacity = 1024;

/** Texts by their digests: 18 to 36 bytes each, however long they are, so that millions fit in memory. */
export class TextSet {
  size = 0;
  /** Open addressing. A place whose first word is 0 is free: the first word of a digest here is odd. */
  private places = new Uint32Array(words * firstCapacity);

  /** False: it is there already. */
  add(text: string): boolean {
    const digest = hash('sha256', text, 'buffer');
    const wanted = Uint32Array.from({ length: words }, (_, word) => digest.readUInt32LE(4 * word));
    wanted[0]! |= 1;
    const at = find(this.places, wanted);
    if (this.places[at] !== 0) return false;
    this.places.set(wanted, at);
    this.size += 1;
    if (3 * words * this.size > 2 * this.places.length) this.grow();
    return true;
  }

  private grow(): void {
    const larger = new Uint32Array(2 * this.places.length);
    for (let at = 0; at < this.places.length; at += words) {
      if (this.places[at] === 0) continue;
      const digest = this.places.subarray(at, at + words);
      larger.set(digest, find(larger, digest));
    }
    this.places = larger;
  }
}

/** Where a digest stands, or would. */
function find(places: Uint32Array, digest: Uint32Array): number {
  for (let at = words * (digest[1]! % (places.length / words)); ; at = (at + words) % places.length) {
    const isSame = places[at] === digest[0] && places[at + 1] === digest[1] && places[at + 2] === digest[2];
    if (isSame || places[at] === 0) return at;
  }
}
