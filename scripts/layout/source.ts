// Where a layout comes from: limits, and the names of structs and enums, from the text of mesh.h; their members from the BTF of
// a probe that names them all (BTF leaves out what no program uses); maps and programs from the linked object.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Btf, type BtfType, readBtf } from "./btf.ts";

export interface Layout {
  readonly btf: Btf;
  readonly limits: readonly (readonly [name: string, value: number])[];
  readonly enums: readonly BtfType[];
  readonly structs: readonly BtfType[];
  readonly maps: readonly MapSource[];
  readonly programs: readonly (readonly [name: string, section: string])[];
}

export interface MapSource {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly key: ElementSource;
  readonly value: ElementSource;
}

/** A map's key or value: a struct of the header, or an integer. */
export interface ElementSource {
  readonly kind: string;
  readonly name: string;
  readonly size: number;
  readonly isSigned: boolean;
}

const BPFTOOL = Bun.which("bpftool") ?? "/usr/sbin/bpftool";

export function readLayout(header: string, object: string, workDirectory: string): Layout {
  const text = readFileSync(header, "utf8");
  const structNames = matches(text, /^struct (\w+) \{/gm);
  const enumNames = matches(text, /^enum (\w+) \{/gm);
  const btf = probe(header, structNames, enumNames, workDirectory);
  const named = (kind: string) => (name: string) => {
    const type = btf.find(kind, name);
    if (type === undefined) throw new Error(`${header}: ${kind.toLowerCase()} ${name} isn't in the BTF`);
    return type;
  };
  return {
    btf,
    limits: [...text.matchAll(/^#define (\w+)\s+(\d+)\b/gm)].map((match) => [match[1] ?? "", Number(match[2])]),
    enums: enumNames.map(named("ENUM")),
    structs: structNames.map(named("STRUCT")),
    maps: readMaps(readBtf(object, BPFTOOL), object),
    programs: readPrograms(object),
  };
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

function probe(header: string, structs: readonly string[], enums: readonly string[], directory: string): Btf {
  mkdirSync(directory, { recursive: true });
  const source = `${directory}/layout.c`;
  const object = `${directory}/layout.o`;
  const globals = [...structs.map((name) => `struct ${name}`), ...enums.map((name) => `enum ${name}`)];
  writeFileSync(
    source,
    `#include <linux/bpf.h>\n#include <linux/types.h>\n#include "${header}"\n${globals.map((type, i) => `${type} global_${i};\n`).join("")}`,
  );
  const compiler = ["clang-16", "clang-17", "clang-18", "clang"].map((name) => Bun.which(name)).find(Boolean);
  if (!compiler) throw new Error("no clang: install clang-16 or newer");
  const multiarch = Bun.spawnSync(["cc", "-print-multiarch"]).stdout.toString().trim();
  const include = multiarch === "" ? [] : ["-idirafter", `/usr/include/${multiarch}`];
  const { success, stderr } = Bun.spawnSync([
    compiler,
    "-target",
    "bpf",
    "-g",
    "-O2",
    ...include,
    "-c",
    "-o",
    object,
    source,
  ]);
  if (!success) throw new Error(`clang: ${stderr.toString().trim()}`);
  return readBtf(object, BPFTOOL);
}

/** The BTF-defined maps of section .maps: `__uint(x, n)` is a pointer to an array of n, `__type(x, t)` a pointer to t. */
function readMaps(btf: Btf, object: string): MapSource[] {
  const section = btf.find("DATASEC", ".maps");
  if (section === undefined) throw new Error(`${object} has no maps`);
  return (section.vars ?? []).map((variable) => readMap(btf, btf.get(variable.type_id)));
}

function readMap(btf: Btf, variable: BtfType): MapSource {
  const members = new Map(
    (btf.resolve(variable.type_id).members ?? []).map((member) => [member.name, btf.resolve(member.type_id).type_id]),
  );
  const integer = (name: string) => (members.has(name) ? (btf.resolve(members.get(name)).nr_elems ?? 0) : 0);
  const element = (name: string): ElementSource => {
    if (!members.has(name)) return { kind: "NONE", name: "", size: integer(`${name}_size`), isSigned: false };
    const type = btf.resolve(members.get(name));
    return { kind: type.kind, name: type.name, size: btf.sizeOf(type.id), isSigned: type.encoding === "SIGNED" };
  };
  return {
    name: variable.name,
    type: integer("type"),
    flags: integer("map_flags"),
    key: element("key"),
    value: element("value"),
  };
}

/** Global functions outside .text (which holds subprograms), with the section that says where they attach. */
function readPrograms(object: string): [string, string][] {
  const readelf = (flag: string) => Bun.spawnSync(["readelf", flag, object]).stdout.toString();
  const sections = new Map(
    [...readelf("-SW").matchAll(/^\s*\[\s*(\d+)\]\s+(\S+)\s+PROGBITS/gm)].map((match) => [match[1], match[2] ?? ""]),
  );
  return [...readelf("-sW").matchAll(/FUNC\s+GLOBAL\s+DEFAULT\s+(\d+)\s+(\S+)/g)]
    .map((match): [string, string] => [match[2] ?? "", sections.get(match[1]) ?? ""])
    .filter(([, section]) => section !== ".text" && section !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
