// What a route of the admin API is. One table of these makes the routes, the list at /, the OpenAPI document and the checks of
// queries: what isn't in the table can't be asked for.
import type { Context } from "hono";
import { MeshError } from "../errors.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { AgentView } from "./view.ts";

export interface Parameter {
  readonly name: string;
  readonly summary: string;
  readonly isRequired?: boolean;
  /** The only values there are. */
  readonly values?: readonly string[];
  /** Given or not, as Envoy's `?include_eds`; its value, if any, says nothing. */
  readonly isFlag?: boolean;
  readonly maxLength?: number;
}

/** Only the parameters that the route names; flags are "". */
export type Query = Readonly<Record<string, string | undefined>>;

/** What a handler is given beside the request. */
export interface Asked {
  readonly view: AgentView;
  readonly query: Query;
  /** All routes that can be asked for here. */
  readonly routes: readonly Route[];
  readonly now: () => Date;
  readonly usage: () => ProcessUsage;
}

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** The fields of the JSON body, all required text. */
  readonly body?: Readonly<Record<string, string>>;
  /** What a good answer may be; the first is the usual one. */
  readonly contentTypes: readonly string[];
  /** Status → meaning, beside 400 and 500. */
  readonly statuses: Readonly<Record<number, string>>;
  /** read: also served on TCP. */
  readonly access: "read" | "full";
  readonly handle: (context: Context, asked: Asked) => Response | Promise<Response>;
}

export const textType = "text/plain; charset=utf-8";
export const jsonType = "application/json";
export const htmlType = "text/html; charset=utf-8";

const maxValueLength = 256;

export const formatParameter: Parameter = {
  name: "format",
  summary: "text, or JSON",
  values: ["text", "json"],
};

/** The query as the route has it. Throws MeshError "usage" for anything that it doesn't know: a typo must not widen an answer. */
export function readQuery(route: Route, url: string): Query {
  const given = new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?") + 1) : "");
  const query: Record<string, string> = {};
  for (const [name, value] of given) {
    const parameter = route.parameters.find((one) => one.name === name);
    if (parameter === undefined) throw refuse(name, `unknown; ${known(route)}`);
    if (name in query) throw refuse(name, "given twice");
    query[name] = parameter.isFlag === true ? "" : readValue(parameter, value);
  }
  const missing = route.parameters.find(({ name, isRequired }) => isRequired === true && !(name in query));
  if (missing !== undefined) throw refuse(missing.name, `missing: ${missing.summary}`);
  return query;
}

/** JSON where it was asked for by `format`; the query has been checked. */
export function wantsJson({ query }: Asked): boolean {
  return query.format === "json";
}

function readValue({ name, values, maxLength = maxValueLength }: Parameter, value: string): string {
  if (value.length > maxLength) throw refuse(name, `longer than ${maxLength} characters`);
  if (values !== undefined && !values.includes(value)) throw refuse(name, `expected ${values.join(" or ")}`);
  return value;
}

function known({ path, parameters }: Route): string {
  return parameters.length === 0 ? `${path} has none` : `there are ${parameters.map(({ name }) => name).join(", ")}`;
}

function refuse(name: string, reason: string): MeshError {
  return new MeshError("usage", `query parameter ${JSON.stringify(name.slice(0, 64))}: ${reason}`);
}
