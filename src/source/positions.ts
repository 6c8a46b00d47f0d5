// Lines for field paths: a second parse that runs only when there is a problem to report.
import { EVENT_ID, type Event, getScalarValue } from "js-yaml";
import { parseYamlEvents } from "./yaml.ts";

/** A field's name, or an item's index. */
export type Step = string | number;

export interface Positions {
  /** The line (from 1) of the deepest node on the way of the steps; undefined if nothing is there. */
  lineOf(steps: readonly Step[]): number | undefined;
}

interface Position {
  readonly offset: number;
  readonly fields: Map<string, Position> | undefined;
  readonly items: Position[] | undefined;
}

/** Throws ConfigError if the text as a whole is no YAML: that comes before any problem of its parts. */
export function locate(text: string, path: string): Positions {
  const root = buildTree(parseYamlEvents(text, path), text);
  const lineStarts = [0];
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) lineStarts.push(i + 1);
  return {
    lineOf(steps) {
      let node = root;
      for (const step of steps) {
        const next = typeof step === "number" ? node?.items?.[step] : fieldOf(node, step);
        if (next === undefined) break;
        node = next;
      }
      return node === undefined ? undefined : lineAt(lineStarts, node.offset);
    },
  };
}

/** Files may write protobuf's lowerCamelCase as well. */
function fieldOf(node: Position | undefined, name: string): Position | undefined {
  return (
    node?.fields?.get(name) ??
    node?.fields?.get(name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
  );
}

function lineAt(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

interface Open {
  readonly node: Position;
  /** In a mapping: the key whose value comes next. */
  key: { readonly name: string; readonly offset: number } | undefined;
}

function buildTree(events: readonly Event[], text: string): Position | undefined {
  let root: Position | undefined;
  const stack: Open[] = [];
  const place = (node: Position): void => {
    const parent = stack.at(-1);
    if (parent === undefined) root ??= node;
    else if (parent.node.items !== undefined) parent.node.items.push(node);
    else if (parent.key !== undefined) {
      // A field's line is its key's.
      parent.node.fields?.set(parent.key.name, { ...node, offset: parent.key.offset });
      parent.key = undefined;
    }
  };
  let isInDocument = false;
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        isInDocument = true;
        break;
      case EVENT_ID.MAPPING:
      case EVENT_ID.SEQUENCE: {
        const isMapping = event.type === EVENT_ID.MAPPING;
        const node: Position = {
          offset: event.start,
          fields: isMapping ? new Map() : undefined,
          items: isMapping ? undefined : [],
        };
        place(node);
        stack.push({ node, key: undefined });
        break;
      }
      case EVENT_ID.POP:
        if (stack.length > 0) stack.pop();
        else isInDocument = false;
        break;
      case EVENT_ID.SCALAR:
      case EVENT_ID.ALIAS: {
        const isScalar = event.type === EVENT_ID.SCALAR;
        const offset = isScalar ? event.valueStart : event.anchorStart;
        const parent = stack.at(-1);
        if (parent?.node.fields !== undefined && parent.key === undefined) {
          parent.key = { name: isScalar ? getScalarValue(text, event) : "", offset };
        } else if (isInDocument) place({ offset, fields: undefined, items: undefined });
        break;
      }
      default:
        event satisfies never;
    }
  }
  return root;
}
