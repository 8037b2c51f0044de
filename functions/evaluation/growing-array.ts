type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** Numbers in a typed array that grows: millions of them take no objects. */
export class GrowingArray<T extends Numbers> {
  length = 0;
  private values: T;
  private readonly create: (length: number) => T;

  constructor(create: (length: number) => T) {
    this.create = create;
    this.values = create(64);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = this.create(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  /** What was pushed so far; shares its memory. */
  toArray(): T {
    return this.values.subarray(0, this.length) as T;
  }
}
