// Texts that come close to being messages: seeds and their mutations, with the characters that parsers are known to trip over.
import fc from "fast-check";

const awkward = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "0",
  "f",
  "\0",
  "\x0b",
  "\x7f",
  "\xe9",
  "\xff",
];
const snippets = [
  ...["Content-Length: 1\r\n", "Content-Length: 01\r\n", "Transfer-Encoding: chunked\r\n", "Host: x\r\n", "Host:\r\n"],
  ...[
    "Connection: close, x\r\n",
    "Connection: upgrade\r\nUpgrade: y\r\n",
    "TE: trailers\r\n",
    "Expect: 100-continue\r\n",
  ],
  ...[" folded\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "HTTP/1.1", "HTTP/1.0", "http://h:1", "CONNECT", "OPTIONS *"],
];

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/** Mutations of the seeds, and now and then noise. */
export function hostileText(seeds: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constant(""),
    fc.constantFrom(...awkward),
    fc.constantFrom(...snippets),
    fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  );
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), remove: fc.nat({ max: 4 }), insert: piece });
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 4 }))
    .map(([seed, edits]) => edits.reduce(applyEdit, seed));
  const noise = fc.array(fc.oneof(piece, fc.constantFrom(...seeds)), { maxLength: 12 }).map((parts) => parts.join(""));
  return fc.oneof({ weight: 8, arbitrary: mutated }, { weight: 1, arbitrary: noise });
}

function applyEdit(text: string, { at, remove, insert }: Edit): string {
  const offset = Math.floor(at * text.length);
  return text.substring(0, offset) + insert + text.substring(offset + remove);
}
