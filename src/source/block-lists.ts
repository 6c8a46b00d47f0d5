// Finds the items of long lists in a YAML text by their lines, so that they can be parsed one by one: the parser's events for a whole
// file of 7 MB take 300 MB. It knows of YAML only the indentation; what it finds is used if the parser agrees (yaml.ts), and
// where a text isn't plainly in block style it finds nothing.

export interface BlockList {
  readonly name: string;
  /** In the frame, this string stands for the list. */
  readonly placeholder: string;
  /** Where the items start in the text, and where the last one ends. */
  readonly bounds: readonly number[];
}

export interface Cut {
  /** The text without the lists. */
  readonly frame: string;
  readonly lists: readonly BlockList[];
}

/** Anchors, aliases and tags may join what is cut; tabs, directives and document markers aren't worth the thought. */
const DOUBTFUL = /(?:^|[\s[\]{},:?-])[&*!][^\s\],}]|\t|^(?:---|\.\.\.|%)/m;
/** A key whose value, if it has one, stands on the lines below. */
const OPEN_KEY = /^(\w+):\s*(?:#.*)?$/;

/** `lists` are names of fields of `parents`, the spellings of one field of the root mapping. Undefined if there is any doubt, or nothing to cut. */
export function cutLists(text: string, parents: readonly string[], lists: readonly string[]): Cut | undefined {
  if (DOUBTFUL.test(text)) return undefined;
  const found = findLists(text, parents, lists);
  if (found === undefined || found.length === 0) return undefined;
  let frame = "";
  let from = 0;
  const cut = found.map(({ name, keyEnd, bounds }, i) => {
    const placeholder = `\u{f8ff}${i}`; // for private use: no name has it
    frame += `${text.slice(from, keyEnd)} "${placeholder}"\n`;
    from = bounds.at(-1) ?? keyEnd;
    return { name, placeholder, bounds };
  });
  return { frame: frame + text.slice(from), lists: cut };
}

interface Found {
  readonly name: string;
  /** After the key's colon. */
  readonly keyEnd: number;
  readonly keyIndent: number;
  readonly bounds: number[];
}

/** Undefined if the parent is there twice. */
function findLists(text: string, parents: readonly string[], lists: readonly string[]): Found[] | undefined {
  const found: Found[] = [];
  let list: Found | undefined;
  let itemIndent = -1;
  let childIndent = -1;
  let parentsSeen = 0;
  let isInParent = false;
  for (const { start, indent, end } of linesOf(text)) {
    if (list !== undefined) {
      const isItem = text[start + indent] === "-" && /^-(?:\s|$)/.test(text.slice(start + indent, start + indent + 2));
      if (itemIndent === -1 && isItem && indent >= list.keyIndent) itemIndent = indent;
      if (indent === itemIndent && isItem) list.bounds.push(start);
      if (indent > itemIndent ? itemIndent !== -1 : indent === itemIndent && isItem) continue;
      closeList(list, start, found);
      list = undefined;
      itemIndent = -1;
    }
    const name = OPEN_KEY.exec(text.slice(start + indent, end))?.[1] ?? "";
    if (indent === 0) {
      isInParent = parents.includes(name);
      if (isInParent && ++parentsSeen > 1) return undefined;
    } else if (isInParent) {
      if (childIndent === -1) childIndent = indent;
      if (indent !== childIndent || !lists.includes(name)) continue;
      list = { name, keyEnd: start + indent + name.length + 1, keyIndent: indent, bounds: [] };
    }
  }
  if (list !== undefined) closeList(list, text.length, found);
  return found;
}

function closeList(list: Found, end: number, found: Found[]): void {
  if (list.bounds.length === 0) return;
  list.bounds.push(end);
  found.push(list);
}

interface Line {
  readonly start: number;
  readonly indent: number;
  readonly end: number;
}

/** But the empty ones and the comments. */
function* linesOf(text: string): Generator<Line, void> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    let first = start;
    while (first < end && text[first] === " ") first++;
    if (first < end && text[first] !== "#" && text[first] !== "\r") yield { start, indent: first - start, end };
    start = end + 1;
  }
}
