// Values with Envoy's command operators (substitution_format_string): `%REQ(x-user)%` in a header's value becomes what the request
// says. What Envoy refuses is refused, and so is an operator that nothing here can fill in.
import type { ValuePart, ValueTemplate } from "../../model/headers.ts";
import { wireText } from "../../model/wire-text.ts";

type Plain = Exclude<ValuePart["type"], "text" | "request_header" | "response_header" | "start_time">;

const OPERATOR = /^%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::(\d+))?%/;

const HEADER_NAME = /^:?[\w!#$&'*+.^`|~-]*$/;

const plainOperators: Readonly<Record<string, Plain>> = {
  PROTOCOL: "protocol",
  DOWNSTREAM_REMOTE_ADDRESS: "downstream_remote_address",
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: "downstream_remote_address_without_port",
  DOWNSTREAM_REMOTE_PORT: "downstream_remote_port",
  DOWNSTREAM_LOCAL_ADDRESS: "downstream_local_address",
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: "downstream_local_address_without_port",
  DOWNSTREAM_LOCAL_PORT: "downstream_local_port",
  UPSTREAM_HOST: "upstream_host",
  UPSTREAM_CLUSTER: "upstream_cluster",
  UPSTREAM_REMOTE_ADDRESS: "upstream_remote_address",
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: "upstream_remote_address_without_port",
  UPSTREAM_REMOTE_PORT: "upstream_remote_port",
  ROUTE_NAME: "route_name",
  RESPONSE_CODE: "response_code",
  RESPONSE_FLAGS: "response_flags",
  HOSTNAME: "hostname",
};

export type ParsedTemplate = { readonly template: ValueTemplate } | { readonly problem: string };

export function parseTemplate(value: string): ParsedTemplate {
  const parts: ValuePart[] = [];
  let text = "";
  let rest = value;
  while (rest !== "") {
    const percent = rest.indexOf("%");
    if (percent === -1) break;
    text += rest.slice(0, percent);
    rest = rest.slice(percent);
    if (rest.startsWith("%%")) {
      text += "%";
      rest = rest.slice(2);
      continue;
    }
    const operator = OPERATOR.exec(rest);
    if (operator === null) return { problem: `${quote(rest)} is no command operator: a percent sign is written %%` };
    const part = convertOperator(operator);
    if (typeof part === "string") return { problem: `${quote(operator[0])} ${part}` };
    if (text !== "") parts.push({ type: "text", text: wireText(text) });
    text = "";
    parts.push(part);
    rest = rest.slice(operator[0].length);
  }
  text += rest;
  if (text !== "") parts.push({ type: "text", text: wireText(text) });
  return { template: parts };
}

/** Or why it can't be used. */
function convertOperator([, name = "", parameters, length]: RegExpExecArray): ValuePart | string {
  const plain = Object.hasOwn(plainOperators, name) ? plainOperators[name] : undefined;
  if (plain !== undefined) {
    const isBare = (parameters ?? "") === "" && length === undefined;
    return isBare ? { type: plain } : "takes no parameters and no length";
  }
  switch (name) {
    case "REQ":
      return convertHeaderOperator("request_header", parameters, length);
    case "RESP":
      return convertHeaderOperator("response_header", parameters, length);
    case "START_TIME":
      return length === undefined ? { type: "start_time", format: parameters ?? "" } : "takes no length";
    default:
      return "isn't supported";
  }
}

function convertHeaderOperator(
  type: "request_header" | "response_header",
  parameters: string | undefined,
  length: string | undefined,
): ValuePart | string {
  const [first = "", second = "", ...others] = (parameters ?? "").toLowerCase().split("?");
  if (others.length > 0) return "has more than one alternative";
  // Nothing has an empty name: then only the alternative counts.
  const [name, alternative] = first === "" ? [second, ""] : [first, second];
  if (name === "") return "must name a header";
  if (![name, alternative].every((text) => HEADER_NAME.test(text))) return "has characters that a header can't have";
  const maxLength = length === undefined ? undefined : Number(length);
  return { type, name, alternative: alternative === "" ? undefined : alternative, maxLength };
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
