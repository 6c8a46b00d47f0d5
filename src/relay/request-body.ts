// A request's body on its way: where it ends, and what of it is kept because it may have to be sent again, or because nobody can
// take it yet.
import { ChunkScanner } from "./wire/chunked.ts";
import type { MessageHead } from "./wire/head.ts";

export class RequestBody {
  isComplete = true;
  /** Framed as they came; `keptBytes` long together. */
  readonly kept: Buffer[] = [];
  keptBytes = 0;
  /** Data without the framing of its chunks. */
  dataBytes = 0;
  #framing: "none" | "length" | "chunked" = "none";
  #left = 0;
  /** Made for the first chunked body. */
  #scanner: ChunkScanner | undefined;

  begin({ chunked, contentLength }: MessageHead): void {
    this.drop();
    this.dataBytes = 0;
    this.#framing = chunked ? "chunked" : contentLength > 0 ? "length" : "none";
    this.#left = contentLength;
    this.isComplete = this.#framing === "none";
    if (chunked) {
      this.#scanner ??= new ChunkScanner();
      this.#scanner.reset();
    }
  }

  /** How far the body goes in these bytes; below 0: it is malformed. */
  feed(bytes: Buffer, from: number): number {
    if (this.#framing === "length") {
      const end = Math.min(bytes.length, from + this.#left);
      this.#left -= end - from;
      this.dataBytes += end - from;
      this.isComplete = this.#left === 0;
      return end;
    }
    const scanner = this.#scanner;
    if (scanner === undefined) return from;
    const end = scanner.feed(bytes, from, bytes.length);
    this.dataBytes = scanner.dataBytes;
    this.isComplete = scanner.state === "done";
    return scanner.state === "error" ? -1 : end;
  }

  keep(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.kept.push(bytes.subarray(from, to));
    this.keptBytes += to - from;
  }

  drop(): void {
    // To set the length is slow even where it changes nothing, and this is done twice a request.
    if (this.kept.length > 0) this.kept.length = 0;
    this.keptBytes = 0;
  }

  get problem(): string {
    return this.#scanner?.problem ?? "";
  }
}

const lastChunk = /^0+(;[^\r]*)?\r\n\r\n$/;

/** The data of a whole chunked body; undefined where trailers follow it, which a length leaves no place for. */
export function unchunk(body: Buffer): Buffer | undefined {
  const scanner = new ChunkScanner();
  const ranges: number[] = [];
  scanner.ranges = ranges;
  const end = scanner.feed(body, 0, body.length);
  const parts: Buffer[] = [];
  for (let i = 0; i + 1 < ranges.length; i += 2) parts.push(body.subarray(ranges[i], ranges[i + 1]));
  const dataEnd = ranges.length === 0 ? 0 : (ranges.at(-1) ?? 0) + 2;
  return lastChunk.test(body.toString("latin1", dataEnd, end)) ? Buffer.concat(parts) : undefined;
}
