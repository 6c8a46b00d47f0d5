// Answers and errors of the admin API. An error is one line of JSON with a MeshError's message: never a stack, never a cause.
import { MeshError } from "../errors.ts";
import { htmlType, jsonType, textType } from "./route.ts";
import { jsonPieces, stream } from "./stream.ts";

/** Iterators in it are arrays, rendered as they are read. */
export function longJson(value: unknown): Response {
  return answer(stream(jsonPieces(value)), jsonType, 200);
}

export function longText(pieces: Iterator<string>): Response {
  return answer(stream(pieces), textType, 200);
}

/** Indented by one space, as Envoy's admin interface answers. */
export function json(value: unknown, status = 200): Response {
  return answer(`${JSON.stringify(value, null, 1)}\n`, jsonType, status);
}

export function text(body: string, status = 200, contentType = textType): Response {
  return answer(body, contentType, status);
}

/** Without scripts, without anything from elsewhere, not to be framed. */
export function html(body: string): Response {
  const response = answer(body, htmlType, 200);
  response.headers.set(
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  );
  response.headers.set("x-frame-options", "DENY");
  response.headers.set("referrer-policy", "no-referrer");
  return response;
}

export function failure(status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Response {
  const response = answer(`${JSON.stringify({ error: reason })}\n`, jsonType, status);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

export function failureOf(thrown: unknown): Response {
  const error = MeshError.from(thrown);
  return failure(statusOf(error), error.message);
}

function statusOf({ code }: MeshError): number {
  switch (code) {
    case "usage":
    case "config":
    case "rejected":
      return 400;
    case "unsupported":
      return 501;
    case "capacity":
      return 507;
    case "kernel":
    case "verifier":
    case "io":
    case "xds":
    case "admin":
    case "unexpected":
      return 500;
    default:
      return code satisfies never;
  }
}

/** Nothing here is for a cache, and no browser shall guess at a type. */
function answer(body: string | ReadableStream<Uint8Array>, contentType: string, status: number): Response {
  return new Response(body, {
    status,
    headers: { "content-type": contentType, "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
}
