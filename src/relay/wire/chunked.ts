// The chunked transfer coding (RFC 9112, section 7.1), strictly: finds where a chunked body ends, so that its bytes can be forwarded
// as they are, extensions and trailers included. Works across any fragmentation and keeps nothing of the body.
import { COLON, CR, FIELD_VALUE, LF, SEMICOLON, TOKEN } from "./characters.ts";

/** What the next byte belongs to. */
const Step = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  trailerStart: 6,
  trailerName: 7,
  trailerValue: 8,
  trailerLf: 9,
  lastLf: 10,
  done: 11,
  error: 12,
} as const;
type Step = (typeof Step)[keyof typeof Step];

/** Bounds what arrives without being data: a client could send an extension with every byte, or trailers for ever. */
const maxSizeLine = 4096;
const maxTrailers = 64 * 1024;

/**
 * Fields that frame or route a message mean nothing after it (RFC 9110, section 6.5.1), unless somebody merges them into the head:
 * then the next reader sees another message than this one.
 */
const neverTrailers: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
]);
const longestNeverTrailer = Math.max(...[...neverTrailers].map((name) => name.length));

export class ChunkScanner {
  /** Data of all chunks so far, without their framing. */
  dataBytes = 0;
  /** Why the body was refused; "" if it wasn't. */
  problem = "";
  /** Where the data lies in what `feed` was given, as pairs of start and end: filled where it is set, emptied by who set it. */
  ranges: number[] | undefined = undefined;
  #step: Step = Step.size;
  /** The size as far as it was read, then how much of the chunk's data is to come. */
  #left = 0;
  /** Bytes of this size line, or of all trailers. */
  #length = 0;
  #digits = 0;
  #trailerName = "";

  get state(): "more" | "done" | "error" {
    if (this.#step === Step.done) return "done";
    return this.#step === Step.error ? "error" : "more";
  }

  reset(): void {
    this.dataBytes = this.#left = this.#length = this.#digits = 0;
    this.problem = this.#trailerName = "";
    this.ranges = undefined;
    this.#step = Step.size;
  }

  /** Reads `bytes` up to `to`, or to the end of the body; returns the offset after the last byte that was consumed. */
  feed(bytes: Uint8Array, from: number, to: number): number {
    let i = from;
    let step = this.#step;
    while (i < to && step < Step.done) {
      if (step === Step.data) {
        i = this.#takeData(i, to);
        if (this.#left === 0) step = Step.dataCr;
      } else step = this.#takeByte(step, bytes[i++] ?? 0);
    }
    this.#step = step;
    return i;
  }

  #takeData(from: number, to: number): number {
    const end = Math.min(to, from + this.#left);
    this.#left -= end - from;
    this.dataBytes += end - from;
    this.ranges?.push(from, end);
    return end;
  }

  #takeByte(step: Step, byte: number): Step {
    switch (step) {
      case Step.size:
        return this.#takeSize(byte);
      case Step.extension:
        if (byte === CR) return Step.sizeLf;
        if (FIELD_VALUE[byte] !== 1) return this.#refuse("chunk extension");
        return ++this.#length > maxSizeLine ? this.#refuse("chunk extension is too long") : Step.extension;
      case Step.sizeLf:
        return byte === LF ? this.#beginChunk() : this.#refuse("end of chunk size");
      case Step.dataCr:
        return byte === CR ? Step.dataLf : this.#refuse("more data than the chunk's size");
      case Step.dataLf:
        return byte === LF ? Step.size : this.#refuse("end of chunk");
      case Step.lastLf:
        return byte === LF ? Step.done : this.#refuse("end of body");
      case Step.trailerStart:
      case Step.trailerName:
      case Step.trailerValue:
      case Step.trailerLf:
        return ++this.#length > maxTrailers ? this.#refuse("trailers are too large") : this.#takeTrailer(step, byte);
      case Step.data:
      case Step.done:
      case Step.error:
        return step;
    }
  }

  #takeSize(byte: number): Step {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      if (this.#left > Number.MAX_SAFE_INTEGER) return this.#refuse("chunk size is too large");
      // Leading zeros have no other bound.
      return ++this.#digits > maxSizeLine ? this.#refuse("chunk size is too long") : Step.size;
    }
    if (this.#digits === 0) return this.#refuse("no chunk size");
    if (byte === CR) return Step.sizeLf;
    return byte === SEMICOLON ? Step.extension : this.#refuse("chunk size");
  }

  #beginChunk(): Step {
    this.#digits = this.#length = 0;
    return this.#left === 0 ? Step.trailerStart : Step.data;
  }

  #takeTrailer(step: Step, byte: number): Step {
    switch (step) {
      case Step.trailerStart:
        if (byte === CR) return Step.lastLf;
        this.#trailerName = "";
        return this.#takeTrailerName(byte);
      case Step.trailerName:
        if (byte !== COLON) return this.#takeTrailerName(byte);
        return neverTrailers.has(this.#trailerName) ? this.#refuse("forbidden trailer") : Step.trailerValue;
      case Step.trailerValue:
        if (byte === CR) return Step.trailerLf;
        return FIELD_VALUE[byte] === 1 ? Step.trailerValue : this.#refuse("trailer value");
      default:
        return byte === LF ? Step.trailerStart : this.#refuse("end of trailer");
    }
  }

  #takeTrailerName(byte: number): Step {
    if (TOKEN[byte] !== 1) return this.#refuse("trailer name");
    // One more than any that is looked for tells that it is none of them.
    if (this.#trailerName.length <= longestNeverTrailer) this.#trailerName += String.fromCharCode(byte).toLowerCase();
    return Step.trailerName;
  }

  #refuse(problem: string): Step {
    this.problem = problem;
    return Step.error;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
