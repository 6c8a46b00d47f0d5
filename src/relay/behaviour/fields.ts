// The fields of a message that is being changed: a list in the order of the wire, where names keep the case that they were sent
// with. Only messages that something is done to are turned into one; the others are forwarded as the bytes that came.
import type { RequestView } from "../../model/request.ts";
import type { FieldSource } from "./conditions.ts";

/** What a parsed head offers (wire/head.ts). */
export interface FieldList {
  readonly count: number;
  name(field: number): string;
  value(field: number): string;
}

interface Field {
  /** As sent. */
  readonly name: string;
  readonly lowerName: string;
  value: string;
}

export class Fields implements FieldSource {
  readonly #fields: Field[];

  private constructor(fields: Field[]) {
    this.#fields = fields;
  }

  /** `keep` leaves out fields by their number: those that end at this hop. */
  static from(head: FieldList, keep?: (field: number) => boolean): Fields {
    const fields: Field[] = [];
    for (let i = 0; i < head.count; i++) {
      if (keep === undefined || keep(i)) fields.push(field(head.name(i), head.value(i)));
    }
    return new Fields(fields);
  }

  static of(pairs: Iterable<readonly [name: string, value: string]>): Fields {
    return new Fields(Array.from(pairs, ([name, value]) => field(name, value)));
  }

  copy(): Fields {
    return Fields.of(this.pairs());
  }

  /** The first value of that name. */
  get(name: string): string | undefined {
    return this.#first(name)?.value;
  }

  values(name: string): string[] {
    const lowerName = name.toLowerCase();
    return this.#fields.filter((each) => each.lowerName === lowerName).map(({ value }) => value);
  }

  header(name: string): string | undefined {
    const values = this.values(name);
    return values.length === 0 ? undefined : values.join(",");
  }

  has(name: string): boolean {
    return this.#first(name) !== undefined;
  }

  /** The only value from now on, at the place of the first one, or at the end. */
  set(name: string, value: string): void {
    const first = this.#first(name);
    if (first === undefined) {
      this.add(name, value);
      return;
    }
    first.value = value;
    this.#keep((each) => each === first || each.lowerName !== first.lowerName);
  }

  /** One more line. */
  add(name: string, value: string): void {
    this.#fields.push(field(name, value));
  }

  /** Behind the value that is there, or a new line. */
  append(name: string, value: string, separator = ","): void {
    const first = this.#first(name);
    if (first === undefined) this.add(name, value);
    else this.set(name, first.value === "" ? value : `${this.values(name).join(",")}${separator}${value}`);
  }

  remove(name: string): void {
    const lowerName = name.toLowerCase();
    this.#keep((each) => each.lowerName !== lowerName);
  }

  removeWhere(isUnwanted: (lowerName: string) => boolean): void {
    this.#keep((each) => !isUnwanted(each.lowerName));
  }

  *pairs(): Generator<readonly [name: string, value: string]> {
    for (const { name, value } of this.#fields) yield [name, value];
  }

  /** The lines of the head, without the empty one behind them. */
  toString(): string {
    let text = "";
    for (const { name, value } of this.#fields) text += `${name}: ${value}\r\n`;
    return text;
  }

  #first(name: string): Field | undefined {
    const lowerName = name.toLowerCase();
    return this.#fields.find((each) => each.lowerName === lowerName);
  }

  #keep(isWanted: (field: Field) => boolean): void {
    let kept = 0;
    for (const each of this.#fields) if (isWanted(each)) this.#fields[kept++] = each;
    this.#fields.length = kept;
  }
}

/** A request that is being changed, as the rest of the work on it sees it. */
export class RequestFields implements RequestView {
  method: string;
  authority: string;
  path: string;
  scheme: "http" | "https";
  readonly fields: Fields;

  constructor(request: RequestView, fields: Fields) {
    this.method = request.method;
    this.authority = request.authority;
    this.path = request.path;
    this.scheme = request.scheme;
    this.fields = fields;
  }

  header(lowerName: string): string | undefined {
    return this.fields.header(lowerName);
  }

  values(lowerName: string): readonly string[] {
    return this.fields.values(lowerName);
  }
}

function field(name: string, value: string): Field {
  return { name, lowerName: name.toLowerCase(), value };
}
