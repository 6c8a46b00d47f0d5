// A queue between one producer and one consumer that lets the producer wait: for room, which is how a flooding server is
// slowed down, and for idleness, which is how a reconnect waits until everything received so far has been dealt with.

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

export class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #weigh: (item: T) => number;
  #weight = 0;
  #hasEnded = false;
  #consumer: (() => void) | undefined;
  #waiters: Waiter[] = [];

  constructor(weigh: (item: T) => number = () => 1) {
    this.#weigh = weigh;
  }

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#hasEnded) return;
    this.#items.push(item);
    this.#weight += this.#weigh(item);
    this.#wakeConsumer();
  }

  /** What is queued can still be taken; nothing is added any more. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeConsumer();
    this.#settle();
  }

  /** The next item; undefined at the end. */
  async next(): Promise<T | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#weight -= this.#weigh(item);
        this.#settle();
        return item;
      }
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#consumer = resolve;
        this.#settle();
      });
    }
  }

  /** Resolves once what is queued weighs no more than `limit`, or at the end. */
  room(limit: number): Promise<void> {
    return this.#until(() => this.#weight <= limit);
  }

  /** Resolves once the queue is empty and the consumer came back for more, or at the end. */
  idle(): Promise<void> {
    return this.#until(() => this.#items.length === 0 && this.#consumer !== undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = await this.next();
      if (item === undefined) return;
      yield item;
    }
  }

  #until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ isMet, resolve });
      this.#settle();
    });
  }

  #wakeConsumer(): void {
    const wake = this.#consumer;
    this.#consumer = undefined;
    wake?.();
  }

  #settle(): void {
    const pending = this.#waiters;
    this.#waiters = [];
    for (const waiter of pending) {
      if (this.#hasEnded || waiter.isMet()) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }
}
