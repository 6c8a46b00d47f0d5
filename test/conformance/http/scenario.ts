// What an HTTP scenario is: a setting (a piece of configuration, and backends that play a script) with cases (bytes that a client
// sends), and what both Envoy and kmesh-edge must make of them. In configuration and requests `@a` stands for the setting's
// cluster a, whose endpoint `a` answers with its letter.
import type { EndpointScript, ReplyStep } from "../../support/http-backends.ts";
import type { ClientStep } from "../../support/raw-client.ts";
import type { Json } from "../mesh.ts";
import type { HttpDifferenceId } from "./differences.ts";

export type Side = "envoy" | "ours";

/** What must be so; what isn't said is only compared. */
export interface Expectation {
  /** Each answer as `STATUS BODY`; `each`: any endpoint's 200. */
  readonly answers?: readonly string[] | "each";
  /** The last ones. */
  readonly last?: readonly string[];
  /** How many requests each endpoint saw. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Of the first answer, by lower-case name; null: absent. */
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Of the first answer, by lower-case name: a regular expression. */
  readonly matches?: Readonly<Record<string, string>>;
  /** Request lines by endpoint, in order. */
  readonly upstream?: Readonly<Record<string, readonly string[]>>;
  /** Of the first request that an endpoint saw; null: absent. `body` by its own name. */
  readonly sent?: Readonly<Record<string, string | null>>;
  /** Every line of the first request that an endpoint saw. */
  readonly head?: readonly string[];
  /** As `sent`, by regular expressions. */
  readonly sentMatches?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly closed?: "open" | "fin" | "reset";
  /** What follows the answers: a tunnel's bytes. */
  readonly rest?: string;
  readonly interim?: readonly number[];
}

export interface Connection {
  readonly steps: readonly ClientStep[];
  /** How many answers it waits for. */
  readonly answers: number;
  /** Stays while the next ones are played, until a held reply is let go; those wait until the backends have seen so many requests. */
  readonly holds?: number;
}

export interface Case {
  readonly name: string;
  /** Played one after the other. `expect.answers` are of all, in this order. */
  readonly connections: readonly Connection[];
  /** Of both; with `difference`, of Envoy. */
  readonly expect: Expectation;
  readonly difference?: { readonly id: HttpDifferenceId; readonly ours: Expectation };
  /** Something in it is different each time: not compared, only expected. */
  readonly isRandom?: boolean;
  /** What the endpoints answer in this case. */
  readonly backends?: Readonly<Record<string, EndpointScript>>;
  /** Instead of comparing: by chance, this often (chi-square) for each endpoint. */
  readonly shares?: Readonly<Record<string, number>>;
}

export function expectationOf({ expect, difference }: Case, side: Side): Expectation {
  return side === "ours" ? (difference?.ours ?? expect) : expect;
}

export interface Setting {
  readonly name: string;
  /** The routes of a virtual host for every domain … */
  readonly routes?: readonly Json[];
  /** … or virtual hosts. */
  readonly hosts?: readonly Json[];
  /** Further fields of the route configuration, of the virtual host of `routes`, and of the connection manager. */
  readonly configuration?: Json;
  readonly host?: Json;
  readonly manager?: Json;
  /** HTTP filters before the router. */
  readonly filters?: readonly Json[];
  /** Further fields of clusters, and their endpoints where they aren't the one of the same letter. `gone` is one where nobody listens. */
  readonly clusters?: Readonly<Record<string, ClusterFields>>;
  readonly cases: readonly Case[];
  /** The cases depend on each other's connections or counts: they are played in order, at one listener. */
  readonly isStateful?: boolean;
}

export interface ClusterFields {
  readonly endpoints?: readonly string[];
  readonly more?: Json;
}

export interface Group {
  readonly name: string;
  readonly settings: readonly Setting[];
}

/** `GET PATH` to host `h`, with these field lines. */
export function get(path: string, ...fields: readonly string[]): string {
  return request("GET", path, fields);
}

export function request(method: string, path: string, fields: readonly string[] = [], body = ""): string {
  const lines = fields.some((line) => /^host:/i.test(line)) ? fields : ["Host: h", ...fields];
  return `${method} ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}`;
}

export function post(path: string, body: string, ...fields: readonly string[]): string {
  return request("POST", path, [...fields, `Content-Length: ${body.length}`], body);
}

/** To another host. */
export function at(host: string, path = "/", ...fields: readonly string[]): string {
  return request("GET", path, [`Host: ${host}`, ...fields]);
}

type Rest = Omit<Case, "name" | "connections" | "expect"> & Omit<Expectation, "answers">;

/** One connection. Answers as `STATUS BODY`, several separated by `|`. */
export function one(name: string, steps: string | readonly ClientStep[], answers: string, rest: Rest = {}): Case {
  const list = answers === "" ? [] : answers.split("|").map((answer) => answer.trim());
  const { difference, backends, shares, isRandom, ...expected } = rest;
  return {
    name,
    connections: [{ steps: typeof steps === "string" ? [steps] : steps, answers: list.length }],
    expect: { answers: list, ...expected },
    ...(difference === undefined ? {} : { difference }),
    ...(backends === undefined ? {} : { backends }),
    ...(shares === undefined ? {} : { shares }),
    ...(isRandom === undefined ? {} : { isRandom }),
  };
}

/** Requests of one connection, each sent after the answer to the one before. */
export function inTurn(...requests: readonly string[]): readonly ClientStep[] {
  return requests.flatMap((text, i) => (i === 0 ? [text] : [{ answers: i }, text]));
}

/** A backend's answer. */
export function reply(status: number, body = "", ...fields: readonly string[]): string {
  return `HTTP/1.1 ${status} Status\r\n${fields.map((line) => `${line}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Its one endpoint answers with these, one after the other; the last repeats. */
export function replies(...texts: readonly string[]): EndpointScript {
  return { replies: texts.map((text) => [text]) };
}

/** The endpoint `a` answers each request with these. */
export function answering(...steps: readonly ReplyStep[]): {
  readonly backends: Readonly<Record<string, EndpointScript>>;
} {
  return { backends: { a: { replies: [steps] } } };
}

/** An answer to what a server shouldn't have sent. */
export const protocolError =
  "502 upstream connect error or disconnect/reset before headers. reset reason: protocol error";

/** To `a`, with a time limit of its own: no kernel can do that, so that the relay must. */
export const plainRoutes: readonly Json[] = [{ match: { prefix: "/" }, route: { cluster: "@a", timeout: "15s" } }];

/** Envoy does as the case says, we as this says on top of it. */
export function differently(id: HttpDifferenceId, one: Case, ours: Partial<Expectation>): Case {
  return { ...one, difference: { id, ours: { ...one.expect, ...ours } } };
}

/** Envoy ends the connection after the answer. */
export function kept(one: Case): Case {
  const expect = { ...one.expect, closed: "fin", fields: { ...one.expect.fields, connection: "close" } } as const;
  return differently(
    "kept-connection",
    { ...one, expect },
    { closed: "open", fields: { ...expect.fields, connection: null } },
  );
}
