// Long answers, made piece by piece as the reader takes them: a dump of thousands of resources never stands in memory as a whole,
// however many ask for it and however slowly they read.

const chunkLength = 64 * 1024;

/** Ends where the pieces do; a reader that goes away ends it too. */
export function stream(pieces: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      let chunk = "";
      while (chunk.length < chunkLength) {
        const next = pieces.next();
        if (next.done === true) {
          if (chunk !== "") controller.enqueue(encoder.encode(chunk));
          controller.close();
          return;
        }
        chunk += next.value;
      }
      controller.enqueue(encoder.encode(chunk));
    },
    cancel() {
      pieces.return?.();
    },
  });
}

/**
 * A value as JSON. Iterators become arrays, item by item; they may stand anywhere but below an array. A line an item: a dump can be
 * searched with grep.
 */
export function* jsonPieces(value: unknown): Generator<string> {
  if (value instanceof Iterator) {
    let separator = "[\n";
    for (const item of value) {
      yield separator;
      yield* jsonPieces(item);
      separator = ",\n";
    }
    yield separator === "[\n" ? "[]" : "\n]";
    return;
  }
  if (!isMapping(value)) {
    yield JSON.stringify(value) ?? "null";
    return;
  }
  if (!holdsIterator(value)) {
    yield JSON.stringify(value);
    return;
  }
  let separator = "{";
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    yield `${separator}${JSON.stringify(name)}: `;
    yield* jsonPieces(field);
    separator = ",\n";
  }
  yield "}";
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function holdsIterator(value: Readonly<Record<string, unknown>>): boolean {
  return Object.values(value).some((field) => field instanceof Iterator || (isMapping(field) && holdsIterator(field)));
}
