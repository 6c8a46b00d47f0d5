// Names become small numbers: the kernel only ever sees ids, and ranges of rows in the slots arena. Both are handed out here, and
// given back by the dataplane once no running program can still meet them.

/** Ids of one kind. An id is a small number, the lowest that is free. */
export class Interner {
  readonly #ids = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  readonly #freed: number[] = [];
  #next = 1;

  /** The id of `key`, the same on every call until it is freed. */
  id(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#freed.pop() ?? this.#unused();
    this.claim(key, id);
    return id;
  }

  /** Takes the id that an earlier run gave to `key`. */
  claim(key: string, id: number): void {
    this.#ids.set(key, id);
    this.#keys.set(id, key);
  }

  free(id: number): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#keys.delete(id);
    this.#ids.delete(key);
    this.#freed.push(id);
  }

  keyOf(id: number): string | undefined {
    return this.#keys.get(id);
  }

  get size(): number {
    return this.#ids.size;
  }

  #unused(): number {
    while (this.#keys.has(this.#next)) this.#next++;
    return this.#next++;
  }
}

interface Range {
  readonly first: number;
  readonly count: number;
}

/** The rows of the slots map: first fit; no row is ever in two ranges. */
export class Arena {
  #capacity: number;
  readonly #taken = new Map<number, number>();
  /** Ascending; neighbours never touch. */
  #free: Range[];

  /** `capacity` in rows. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity > 0 ? [{ first: 0, count: capacity }] : [];
  }

  /** The first of `count` fresh rows; undefined where no free range is long enough. For no rows it is 0, and nothing is taken. */
  allocate(count: number): number | undefined {
    if (count === 0) return 0;
    const range = this.#free.find((one) => one.count >= count);
    if (range === undefined) return undefined;
    this.claim(range.first, count);
    return range.first;
  }

  /** Takes rows that an earlier run uses; false where they aren't all free. */
  claim(first: number, count: number): boolean {
    if (count === 0) return true;
    const index = this.#free.findIndex((range) => range.first <= first && first + count <= range.first + range.count);
    const range = this.#free[index];
    if (range === undefined) return false;
    const end = range.first + range.count;
    const rest: Range[] = [
      { first: range.first, count: first - range.first },
      { first: first + count, count: end - first - count },
    ];
    this.#free.splice(index, 1, ...rest.filter((part) => part.count > 0));
    this.#taken.set(first, count);
    return true;
  }

  /** Gives back the range that starts at `first`; nothing happens where none does. */
  free(first: number): void {
    const count = this.#taken.get(first);
    if (count === undefined) return;
    this.#taken.delete(first);
    const found = this.#free.findIndex((range) => range.first > first);
    const at = found === -1 ? this.#free.length : found;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const joinsBefore = before !== undefined && before.first + before.count === first;
    const joinsAfter = after !== undefined && first + count === after.first;
    const merged = {
      first: joinsBefore ? before.first : first,
      count: count + (joinsBefore ? before.count : 0) + (joinsAfter ? after.count : 0),
    };
    this.#free.splice(at - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), merged);
  }

  /** In rows. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Makes it smaller. Everything in use must lie below the new end. */
  shrink(capacity: number): void {
    this.#free = this.#free.flatMap(({ first, count }) => {
      const end = Math.min(first + count, capacity);
      return end > first ? [{ first, count: end - first }] : [];
    });
    this.#capacity = capacity;
  }

  /** Rows in use. */
  get used(): number {
    return this.capacity - this.#free.reduce((sum, range) => sum + range.count, 0);
  }
}
