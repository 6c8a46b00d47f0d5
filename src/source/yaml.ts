// YAML 1.2 (and so JSON) to plain values, bounded: depth, aliases, and the size of what aliases expand to.
import { CORE_SCHEMA, constructFromEvents, type Event, parseEvents, YAMLException } from "js-yaml";
import { ConfigError } from "../errors.ts";

const MAX_DEPTH = 100;
const MAX_ALIASES = 10_000;
/** What aliases may add to a document. */
const MAX_EXPANSION = 1_000_000;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Mapping = { readonly [key: string]: Json };

/** A whole text at once. Throws ConfigError with file and line. */
export function parseYaml(text: string, path: string): Json {
  const documents = guard(path, () =>
    constructFromEvents(parseEvents(text, { maxDepth: MAX_DEPTH }), {
      source: text,
      schema: CORE_SCHEMA,
      maxAliases: MAX_ALIASES,
    }),
  );
  if (documents.length > 1) throw new ConfigError(path, "holds more than one document");
  const value = (documents[0] ?? null) as Json;
  // Without aliases a text can't hold more nodes than half its characters.
  if (!fits(value, { nodes: text.length / 2 + MAX_EXPANSION }, 0)) {
    throw new ConfigError(path, "expands to too much by its aliases, or is nested too deep");
  }
  return value;
}

/** What the parser saw, in the order of the text. Throws ConfigError with file and line. */
export function parseYamlEvents(text: string, path: string): readonly Event[] {
  return guard(path, () => parseEvents(text, { maxDepth: MAX_DEPTH }));
}

/** A part of a text that lies so deep in its document, without aliases. Undefined if it isn't one document by itself. */
export function parseYamlPart(text: string, depth: number): Json | undefined {
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH - depth });
    const documents = constructFromEvents(events, { source: text, schema: CORE_SCHEMA, maxAliases: 0 });
    return documents.length === 1 ? ((documents[0] ?? null) as Json) : undefined;
  } catch {
    return undefined; // what is wrong is told of the whole text
  }
}

export function atLine(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}:${line}`;
}

export function isMapping(value: Json): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function guard<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new ConfigError(atLine(path, errorLine(cause)), yamlReason(cause), { cause });
  }
}

function yamlReason(cause: unknown): string {
  const reason = cause instanceof YAMLException ? cause.reason : cause instanceof Error ? cause.message : String(cause);
  return `isn't valid YAML: ${(reason.split("\n")[0] ?? "").slice(0, 200)}`;
}

function errorLine(cause: unknown): number | undefined {
  const line = cause instanceof YAMLException ? cause.mark?.line : undefined;
  return line === undefined ? undefined : line + 1;
}

function fits(value: unknown, room: { nodes: number }, depth: number): boolean {
  if (--room.nodes < 0 || depth > MAX_DEPTH) return false;
  if (typeof value !== "object" || value === null) return true;
  for (const key in value) if (!fits((value as Record<string, unknown>)[key], room, depth + 1)) return false;
  return true;
}
