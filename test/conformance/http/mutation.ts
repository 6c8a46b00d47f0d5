// Header mutations, short to write.
import type { Json } from "../mesh.ts";
import { type Case, one } from "./scenario.ts";

type Action = "APPEND_IF_EXISTS_OR_ADD" | "ADD_IF_ABSENT" | "OVERWRITE_IF_EXISTS_OR_ADD" | "OVERWRITE_IF_EXISTS";

export function header(key: string, value: string, append_action?: Action, more: Json = {}): Json {
  return { header: { key, value }, ...(append_action === undefined ? {} : { append_action }), ...more };
}

/** One route, with these fields. */
export function routed(more: Json, route: Json = { cluster: "@a" }): readonly Json[] {
  return [{ name: "the-route", match: { prefix: "/" }, route, ...more }];
}

/** A request, and what the backend saw of it. */
export function sends(name: string, request: string, sent: Readonly<Record<string, string | null>>): Case {
  return one(name, request, "200 a", { sent });
}
