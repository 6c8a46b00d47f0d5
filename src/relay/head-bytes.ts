// Heads as the string that the parsers read, made of the bytes that came; and back, in the place of the head that they came with.
import type { Flow } from "./flow.ts";

const CR = 13;
const LF = 10;
const headEnd = "\r\n\r\n";

/** To look for the end of less than this costs more than to decode it all. */
const alwaysWhole = 1024;

/**
 * The head that begins at `start`, or what has come of it: a long body behind it isn't decoded. `maxBytes` and one more are always
 * enough to see that it is too long. No head has an empty line in it that isn't its end, but for those before a request line.
 */
export function decodeHead(bytes: Buffer, start: number, maxBytes: number): string {
  const limit = Math.min(bytes.length, start + maxBytes + 1);
  if (limit - start <= alwaysWhole) return bytes.toString("latin1", start, limit);
  let line = start;
  while (bytes[line] === CR && bytes[line + 1] === LF) line += 2;
  const end = bytes.indexOf(headEnd, line, "latin1");
  return bytes.toString("latin1", start, end < 0 ? limit : Math.min(limit, end + headEnd.length));
}

/** Heads are put together here, with as much of the body as came with them: one write for both. Used by one call at a time. */
const scratch = Buffer.alloc(128 * 1024);

/** Head and body in one write, as far as there is room. Neither is needed afterwards but the body where it is long. */
export function writeHead(flow: Flow, text: string, body: Buffer, from: number, to: number): void {
  if (text.length + to - from > scratch.length) {
    const head = Buffer.from(text, "latin1");
    flow.write(head, 0, head.length, true);
    flow.write(body, from, to, true);
    return;
  }
  let length = scratch.write(text, 0, "latin1");
  if (to > from) length += body.copy(scratch, length, from, to);
  flow.write(scratch, 0, length, false);
}

/**
 * The same for bytes that came with another head, from `start` to `from`: where the new one isn't longer it overwrites that, so that
 * the body stays where it is. Nobody may need the old one any more.
 */
export function replaceHead(flow: Flow, text: string, bytes: Buffer, start: number, from: number, to: number): void {
  const at = from - text.length;
  if (at < start) {
    writeHead(flow, text, bytes, from, to);
    return;
  }
  bytes.write(text, at, "latin1");
  flow.write(bytes, at, to, true);
}
