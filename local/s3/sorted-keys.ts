/** Keys in the order of their UTF-8 bytes, which is S3's; JavaScript's own order differs beyond U+FFFF. */
export interface SortedKeys {
  add(key: string): void;
  delete(key: string): void;
  /** Keys for which `isBefore` is false, in order; it must hold for all keys up to some point and none after. */
  from(isBefore: (key: string) => boolean): Iterable<string>;
}

export function createSortedKeys(initial: Iterable<string>): SortedKeys {
  const keys = Array.from(initial, (key) => ({ key, bytes: Buffer.from(key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key);
  const search = (isBefore: (key: string) => boolean): number => {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(keys[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const find = (key: string) => search((other) => compareKeys(other, key) < 0);
  return {
    add: (key) => {
      const index = find(key);
      if (keys[index] !== key) keys.splice(index, 0, key);
    },
    delete: (key) => {
      const index = find(key);
      if (keys[index] === key) keys.splice(index, 1);
    },
    *from(isBefore) {
      for (let index = search(isBefore); index < keys.length; index++) yield keys[index]!;
    },
  };
}

export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
