// YAML 1.2 (and so JSON) to plain values, bounded: depth, aliases, and the size of what aliases expand to. The items of long
// lists are built one by one from the parser's events: the values of a whole file would cost as much memory as its models twice.
import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  YAMLException,
} from "js-yaml";
import { ConfigError } from "../errors.ts";

export const MAX_DEPTH = 100;
const MAX_ALIASES = 10_000;
/** What aliases may add to a document. */
const MAX_EXPANSION = 1_000_000;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Mapping = { readonly [key: string]: Json };

export interface YamlDocument {
  /** The whole value, with the lists that were asked for left empty. */
  readonly frame: Json;
  /** The items of one of those lists, built while they are iterated; none if it isn't a list. May throw ConfigError on the way. */
  items(list: string): Iterable<Json>;
}

/** A whole text at once. Throws ConfigError with file and line. */
export function parseYaml(text: string, path: string): Json {
  return parseInParts(text, path, [], []).frame;
}

/** `lists` are names of fields of `parents`, the spellings of one field of the root mapping. Throws ConfigError with file and line. */
export function parseInParts(
  text: string,
  path: string,
  parents: readonly string[],
  lists: readonly string[],
): YamlDocument {
  const guarded = <T>(run: () => T): T => {
    try {
      return run();
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      throw new ConfigError(atLine(path, errorLine(cause)), yamlReason(cause), { cause });
    }
  };
  const events = guarded(() => parseEvents(text, { maxDepth: MAX_DEPTH }));
  const construct = (part: readonly Event[]): Json => guarded(() => constructDocument(part, text, path));
  // An alias may refer to any part of the document: then all of it is needed at once.
  if (events.some(({ type }) => type === EVENT_ID.ALIAS)) return whole(construct(events), parents, lists, text, path);
  const ranges = findLists(events, text, parents, lists);
  return {
    frame: construct(withoutItems(events, ranges)),
    *items(list) {
      for (const range of ranges.filter(({ name }) => name === list)) {
        for (const [start, end] of itemsOf(events, range)) yield construct(asDocument(events, start, end));
      }
    },
  };
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

function constructDocument(events: readonly Event[], text: string, path: string): Json {
  const documents = constructFromEvents([...events], { source: text, schema: CORE_SCHEMA, maxAliases: MAX_ALIASES });
  if (documents.length > 1) throw new ConfigError(path, "holds more than one document");
  return (documents[0] ?? null) as Json;
}

function yamlReason(cause: unknown): string {
  const reason = cause instanceof YAMLException ? cause.reason : cause instanceof Error ? cause.message : String(cause);
  return `isn't valid YAML: ${(reason.split("\n")[0] ?? "").slice(0, 200)}`;
}

function errorLine(cause: unknown): number | undefined {
  const line = cause instanceof YAMLException ? cause.mark?.line : undefined;
  return line === undefined ? undefined : line + 1;
}

function whole(
  value: Json,
  parents: readonly string[],
  lists: readonly string[],
  text: string,
  path: string,
): YamlDocument {
  // Without aliases a text can't hold more nodes than half its characters.
  if (!fits(value, { nodes: text.length / 2 + MAX_EXPANSION }, 0)) {
    throw new ConfigError(path, "expands to too much by its aliases, or is nested too deep");
  }
  const parent = isMapping(value) ? parents.find((name) => name in value) : undefined;
  const holder = isMapping(value) && parent !== undefined ? (value[parent] ?? null) : null;
  if (!isMapping(value) || parent === undefined || !isMapping(holder)) return { frame: value, items: () => [] };
  const empty = lists.filter((list) => isList(holder[list] ?? null)).map((list) => [list, []]);
  const itemsOfList = (list: string): readonly Json[] => {
    const items = holder[list] ?? null;
    return lists.includes(list) && isList(items) ? items : [];
  };
  return { frame: { ...value, [parent]: { ...holder, ...Object.fromEntries(empty) } }, items: itemsOfList };
}

function fits(value: unknown, room: { nodes: number }, depth: number): boolean {
  if (--room.nodes < 0 || depth > MAX_DEPTH) return false;
  if (typeof value !== "object" || value === null) return true;
  for (const key in value) if (!fits((value as Record<string, unknown>)[key], room, depth + 1)) return false;
  return true;
}

/** A sequence among the events: `start` is the sequence's own event, `end` the one after its pop. */
interface Range {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The sequences at root → one of the parents → one of the lists. */
function findLists(
  events: readonly Event[],
  text: string,
  parents: readonly string[],
  lists: readonly string[],
): Range[] {
  const root = events.findIndex(({ type }) => type !== EVENT_ID.DOCUMENT);
  return fieldsOf(events, root, text)
    .filter(({ name }) => parents.includes(name))
    .flatMap(({ start }) => fieldsOf(events, start, text))
    .filter(({ name, start }) => lists.includes(name) && events[start]?.type === EVENT_ID.SEQUENCE);
}

/** The fields of the mapping that starts there, with the ranges of their values. */
function fieldsOf(events: readonly Event[], start: number, text: string): Range[] {
  const fields: Range[] = [];
  if (events[start]?.type !== EVENT_ID.MAPPING) return fields;
  for (let i = start + 1; events[i] !== undefined && events[i]?.type !== EVENT_ID.POP; ) {
    const key = events[i];
    const value = endOfNode(events, i);
    const end = endOfNode(events, value);
    if (key?.type === EVENT_ID.SCALAR) fields.push({ name: getScalarValue(text, key), start: value, end });
    i = end;
  }
  return fields;
}

function itemsOf(events: readonly Event[], { start, end }: Range): [number, number][] {
  const items: [number, number][] = [];
  for (let i = start + 1; i < end - 1; ) {
    const next = endOfNode(events, i);
    items.push([i, next]);
    i = next;
  }
  return items;
}

/** The index after the node that starts there. */
function endOfNode(events: readonly Event[], start: number): number {
  let depth = 0;
  for (let i = start; i < events.length; i++) {
    const type = events[i]?.type;
    if (type === EVENT_ID.POP) depth--;
    else if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE || type === EVENT_ID.DOCUMENT) depth++;
    if (depth <= 0) return i + 1;
  }
  return events.length;
}

function withoutItems(events: readonly Event[], ranges: readonly Range[]): Event[] {
  const kept: Event[] = [];
  let from = 0;
  for (const { start, end } of ranges) {
    for (let i = from; i <= start; i++) pushEvent(kept, events[i]);
    from = end - 1; // the sequence's own pop
  }
  for (let i = from; i < events.length; i++) pushEvent(kept, events[i]);
  return kept;
}

function pushEvent(list: Event[], event: Event | undefined): void {
  if (event !== undefined) list.push(event);
}

function asDocument(events: readonly Event[], start: number, end: number): Event[] {
  const opening: Event = { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] };
  return [opening, ...events.slice(start, end), { type: EVENT_ID.POP }];
}
