// Timers by the hundred thousand: starting and stopping one costs two list operations, because nearly every request starts some
// that never fire. The process wakes only when one may be due: without any, never.
import type { Clock } from "../clock.ts";

/** How late a timer may fire. */
const tickMs = 8;
const fineSlots = 256;
const coarseSlots = 512;
const fineMask = fineSlots - 1;
const coarseMask = coarseSlots - 1;

/** One deadline that is set again and again. */
export class Timer {
  readonly #timers: Timers;
  /** Runs once for each start that wasn't stopped. */
  readonly fire: () => void;
  /** Where Timers has put it; -1: it isn't running. */
  slot = -1;
  dueTick = 0;
  previous: Timer | undefined;
  next: Timer | undefined;

  constructor(timers: Timers, fire: () => void) {
    this.#timers = timers;
    this.fire = fire;
  }

  /** Starts over where it is running. `now`: for who has just read the clock. */
  start(ms: number, now = this.#timers.now()): void {
    this.#timers.add(this, ms, now);
  }

  stop(): void {
    if (this.slot >= 0) this.#timers.remove(this);
  }

  get isRunning(): boolean {
    return this.slot >= 0;
  }
}

/**
 * Two wheels: 256 ticks of 8 ms, and 512 turns of that. A timer in the coarse wheel moves to the fine one when its turn begins;
 * one beyond both stands in the last coarse slot and is placed again from there.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #onError: (thrown: unknown) => void;
  readonly #slots: (Timer | undefined)[] = new Array<Timer | undefined>(fineSlots + coarseSlots).fill(undefined);
  #running = 0;
  /** Everything due up to here has fired. */
  #tick = 0;
  #cancelWake: (() => void) | undefined;
  #wakeTick = Number.POSITIVE_INFINITY;

  /** `onError` is told what a callback throws; the others go on. */
  constructor(clock: Clock, onError: (thrown: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#startedAt = clock.now();
  }

  /** Monotonic milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /** Milliseconds since the epoch. */
  date(): number {
    return this.#clock.date();
  }

  add(timer: Timer, ms: number, now: number): void {
    if (timer.slot >= 0) this.remove(timer);
    const elapsed = now - this.#startedAt;
    // While nothing runs the wheel stands still.
    if (this.#running === 0) this.#tick = Math.floor(elapsed / tickMs);
    timer.dueTick = Math.max(Math.ceil((elapsed + ms) / tickMs), this.#tick + 1);
    this.#running++;
    this.#place(timer);
    this.#wakeBy(this.#wakeTickOf(timer));
  }

  remove(timer: Timer): void {
    const { previous, next, slot } = timer;
    if (previous === undefined) this.#slots[slot] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    timer.previous = timer.next = undefined;
    timer.slot = -1;
    this.#running--;
  }

  /** Nothing fires any more. */
  stop(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeTick = 0;
  }

  #place(timer: Timer): void {
    const { dueTick } = timer;
    let slot: number;
    if (dueTick - this.#tick < fineSlots) {
      slot = dueTick & fineMask;
    } else {
      const last = (Math.floor(this.#tick / fineSlots) + coarseSlots - 1) * fineSlots;
      slot = this.#turnSlot(Math.min(dueTick, last));
    }
    const first = this.#slots[slot];
    timer.slot = slot;
    timer.previous = undefined;
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
  }

  #wakeTickOf(timer: Timer): number {
    if (timer.slot < fineSlots) return timer.dueTick;
    return this.#turnTick(timer.slot - fineSlots);
  }

  #turnSlot(tick: number): number {
    return fineSlots + (Math.floor(tick / fineSlots) & coarseMask);
  }

  /** When the turn that stands in this coarse slot begins. */
  #turnTick(coarseSlot: number): number {
    const turn = Math.floor(this.#tick / fineSlots);
    const ahead = (coarseSlot - turn) & coarseMask;
    return (turn + ahead) * fineSlots;
  }

  #wakeBy(tick: number): void {
    if (tick >= this.#wakeTick) return;
    this.#cancelWake?.();
    this.#wakeTick = tick;
    const ms = tick * tickMs - (this.#clock.now() - this.#startedAt);
    this.#cancelWake = this.#clock.after(Math.max(1, Math.ceil(ms)), () => this.#wake());
  }

  #wake(): void {
    this.#cancelWake = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
    const now = Math.floor((this.#clock.now() - this.#startedAt) / tickMs);
    while (this.#tick < now && this.#running > 0) {
      this.#tick++;
      if ((this.#tick & fineMask) === 0) this.#beginTurn();
      this.#fireSlot(this.#tick & fineMask);
    }
    if (this.#running > 0) this.#wakeBy(this.#nextTick());
  }

  #beginTurn(): void {
    const slot = this.#turnSlot(this.#tick);
    let timer = this.#slots[slot];
    this.#slots[slot] = undefined;
    while (timer !== undefined) {
      const { next } = timer;
      this.#place(timer);
      timer = next;
    }
  }

  /** A callback may start and stop timers, this slot's too. */
  #fireSlot(slot: number): void {
    for (;;) {
      let timer = this.#slots[slot];
      while (timer !== undefined && timer.dueTick > this.#tick) timer = timer.next;
      if (timer === undefined) return;
      this.remove(timer);
      try {
        timer.fire();
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  #nextTick(): number {
    for (let tick = this.#tick + 1; tick < this.#tick + fineSlots; tick++) {
      if (this.#slots[tick & fineMask] !== undefined) return tick;
      if ((tick & fineMask) === 0 && this.#slots[this.#turnSlot(tick)] !== undefined) return tick;
    }
    const turn = Math.floor(this.#tick / fineSlots);
    for (let ahead = 1; ahead < coarseSlots; ahead++) {
      if (this.#slots[fineSlots + ((turn + ahead) & coarseMask)] !== undefined) return (turn + ahead) * fineSlots;
    }
    return this.#tick + 1;
  }
}

/** A deadline that moves on with every sign of life: noting one costs nothing but reading the clock. */
export class IdleTimer {
  readonly #timers: Timers;
  readonly #timer: Timer;
  #ms = 0;
  #lastActive = 0;

  constructor(timers: Timers, fire: () => void) {
    this.#timers = timers;
    this.#timer = new Timer(timers, () => {
      const now = timers.now();
      const left = this.#lastActive + this.#ms - now;
      if (left > 0) this.#timer.start(left, now);
      else fire();
    });
  }

  start(ms: number): void {
    this.#ms = ms;
    this.#lastActive = this.#timers.now();
    this.#timer.start(ms, this.#lastActive);
  }

  touch(): void {
    this.#lastActive = this.#timers.now();
  }

  stop(): void {
    this.#timer.stop();
  }
}
