// A YAML text as a frame and the items of its long lists. In block style the items are parsed one by one, each when it is asked
// for: nothing of a large file but its text is then held as a whole.
import { type BlockList, cutLists } from "./block-lists.ts";
import { isList, isMapping, type Json, parseYaml, parseYamlPart } from "./yaml.ts";

export interface YamlDocument {
  /** The whole value, with the lists that were asked for left empty. */
  readonly frame: Json;
  /** The items of one of those lists; none if it isn't a list. May throw ConfigError on the way. */
  items(list: string): Iterable<Json>;
}

/** The lists are fields of a field of the root mapping. */
export interface Lists {
  /** The spellings of that field. */
  readonly parents: readonly string[];
  readonly names: readonly string[];
}

/** How deep an item's list lies in its document: root, parent. */
const LIST_DEPTH = 2;

/** Throws ConfigError with file and line. */
export function parseDocument(text: string, path: string, lists: Lists): YamlDocument {
  const parseAll = (): YamlDocument => documentOf(parseYaml(text, path), lists);
  return parseCut(text, lists, parseAll) ?? parseAll();
}

function documentOf(value: Json, { parents, names }: Lists): YamlDocument {
  const [parent, holder] = holderOf(value, parents);
  if (holder === undefined || !isMapping(value)) return { frame: value, items: () => [] };
  const itemsOf = (name: string): readonly Json[] => {
    const items = holder[name] ?? null;
    return names.includes(name) && isList(items) ? items : [];
  };
  const empty = names.filter((name) => isList(holder[name] ?? null)).map((name) => [name, []]);
  return { frame: { ...value, [parent]: { ...holder, ...Object.fromEntries(empty) } }, items: itemsOf };
}

/** Undefined if the text can't be cut, or if the parser doesn't see the lists where they were cut out. */
function parseCut(text: string, lists: Lists, parseAll: () => YamlDocument): YamlDocument | undefined {
  const cut = cutLists(text, lists.parents, lists.names);
  if (cut === undefined) return undefined;
  const value = parseYamlPart(cut.frame, 0) ?? null;
  const [parent, holder] = holderOf(value, lists.parents);
  if (holder === undefined || !isMapping(value)) return undefined;
  if (!cut.lists.every(({ name, placeholder }) => holder[name] === placeholder)) return undefined;
  const empty = cut.lists.map(({ name }) => [name, []]);
  const rest = documentOf({ ...value, [parent]: { ...holder, ...Object.fromEntries(empty) } }, lists);
  return {
    frame: rest.frame,
    items(name) {
      const list = cut.lists.find((one) => one.name === name);
      return list === undefined ? rest.items(name) : itemsOfCut(text, list, parseAll);
    },
  };
}

/** As soon as an item isn't whole by itself, the parser has the last word on the whole text. */
function* itemsOfCut(text: string, { name, bounds }: BlockList, parseAll: () => YamlDocument): Generator<Json, void> {
  for (let i = 0; i + 1 < bounds.length; i++) {
    const part = parseYamlPart(text.slice(bounds[i], bounds[i + 1]), LIST_DEPTH) ?? null;
    if (!isList(part) || part.length !== 1) {
      yield* [...parseAll().items(name)].slice(i);
      return;
    }
    yield part[0] ?? null;
  }
}

function holderOf(
  value: Json,
  parents: readonly string[],
): [string, { readonly [key: string]: Json }] | ["", undefined] {
  const parent = isMapping(value) ? parents.find((name) => Object.hasOwn(value, name)) : undefined;
  if (!isMapping(value) || parent === undefined) return ["", undefined];
  const holder = value[parent] ?? null;
  return isMapping(holder) ? [parent, holder] : ["", undefined];
}
