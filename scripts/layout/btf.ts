// BTF as `bpftool btf dump -j` prints it: the types, and the few questions that a generator of codecs asks of them.

export interface Member {
  readonly name: string;
  readonly type_id: number;
  readonly bits_offset: number;
  readonly bitfield_size?: number;
}

export interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly type_id?: number;
  readonly nr_elems?: number;
  readonly encoding?: string;
  readonly members?: readonly Member[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
  readonly vars?: readonly { readonly type_id: number }[];
}

const TRANSPARENT = new Set(["TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG"]);

export class Btf {
  readonly #byId: ReadonlyMap<number, BtfType>;

  readonly #types: readonly BtfType[];

  constructor(types: readonly BtfType[]) {
    this.#types = types;
    this.#byId = new Map(types.map((type) => [type.id, type]));
  }

  get(id: number | undefined): BtfType {
    const type = this.#byId.get(id ?? 0);
    if (type === undefined) throw new Error(`BTF has no type ${id}`);
    return type;
  }

  /** The type behind typedefs and qualifiers. */
  resolve(id: number | undefined): BtfType {
    let type = this.get(id);
    while (TRANSPARENT.has(type.kind)) type = this.get(type.type_id);
    return type;
  }

  /** True if a typedef on the way is __be16, __be32 or __be64. */
  isBigEndian(id: number): boolean {
    for (let type = this.get(id); TRANSPARENT.has(type.kind); type = this.get(type.type_id)) {
      if (/^__be(16|32|64)$/.test(type.name)) return true;
    }
    return false;
  }

  sizeOf(id: number | undefined): number {
    const type = this.resolve(id);
    if (type.kind === "ARRAY") return (type.nr_elems ?? 0) * this.sizeOf(type.type_id);
    if (type.kind === "PTR") return 8;
    if (type.size === undefined) throw new Error(`BTF ${type.kind} ${type.name} has no size`);
    return type.size;
  }

  find(kind: string, name: string): BtfType | undefined {
    return this.#types.find((type) => type.kind === kind && type.name === name);
  }
}

export function readBtf(path: string, bpftool: string): Btf {
  const { stdout, stderr, success } = Bun.spawnSync([bpftool, "-j", "btf", "dump", "file", path]);
  if (!success) throw new Error(`bpftool can't read the BTF of ${path}: ${stderr.toString().trim()}`);
  return new Btf((JSON.parse(stdout.toString()) as { types: BtfType[] }).types);
}
