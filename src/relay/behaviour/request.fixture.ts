// Requests and responses for tests, with what a case doesn't say left at its default.
import { parseSocketAddress, type SocketAddress } from "../../ip.ts";
import type { RequestView } from "../../model/request.ts";
import type { ResponseView } from "./conditions.ts";
import { Fields, RequestFields } from "./fields.ts";
import type { TemplateContext } from "./template.ts";

export type Pairs = readonly (readonly [name: string, value: string])[];

export function request(
  fields: Pairs = [],
  about: Partial<Omit<RequestView, "header" | "values">> = {},
): RequestFields {
  const view = { method: "GET", authority: "a.example:81", path: "/", scheme: "http", ...about } as const;
  return new RequestFields({ ...view, header: () => undefined, values: () => [] }, Fields.of(fields));
}

export function response(status: number, fields: Pairs = []): ResponseView {
  const list = Fields.of(fields);
  return { status, values: (name) => list.values(name), header: (name) => list.header(name) };
}

export function socketAddress(text: string): SocketAddress {
  const address = parseSocketAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

export function context(about: Partial<TemplateContext> = {}): TemplateContext {
  return {
    request: request(),
    response: undefined,
    protocol: "HTTP/1.1",
    startTimeMs: Date.UTC(2026, 10, 3, 9, 5, 7, 45),
    remote: socketAddress("10.0.0.1:5000"),
    local: socketAddress("[2001:db8::1]:80"),
    upstream: undefined,
    cluster: "backend",
    routeName: "route",
    responseFlags: "",
    hostname: "node",
    ...about,
  };
}

/** The numbers in turn, then the last one for ever. */
export function randoms(...numbers: readonly number[]): () => number {
  let next = 0;
  return () => numbers[Math.min(next++, numbers.length - 1)] ?? 0;
}
