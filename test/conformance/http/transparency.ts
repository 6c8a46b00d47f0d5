// What Envoy writes into messages that pass it and kmesh-edge leaves as it was. Each rule takes one such habit out of what was
// observed on either side, so that the rest must be equal; a rule that no scenario needs any more is taken off the list.
import type { Field } from "../../support/http-text.ts";
import type { HttpDifferenceId } from "./differences.ts";
import type { Message, Observation } from "./observe.ts";

export interface Rule {
  readonly id: HttpDifferenceId;
  readonly apply: (message: Message, isAnswer: boolean) => Message;
}

/** Envoy's own fields, where a configuration doesn't ask for them. */
const ownRequestFields = new Set([
  ...["x-forwarded-proto", "x-envoy-expected-rq-timeout-ms", "x-request-id", "x-envoy-internal"],
  ...["x-envoy-original-path", "x-envoy-original-host", "x-envoy-original-url", "x-envoy-external-address"],
  "x-envoy-downstream-service-cluster",
]);
const ownAnswerFields = new Set(["date", "server", "x-envoy-upstream-service-time", "x-envoy-overloaded"]);
/** How a body is framed is compared by itself. */
const framingFields = new Set(["transfer-encoding"]);

export const rules: readonly Rule[] = [
  {
    id: "own-fields",
    apply: (message, isAnswer) => {
      // A mirrored request also gets x-forwarded-for from Envoy's internal client, which marks what it sends.
      const isMirrored = message.fields.some(([name]) => name === "x-envoy-internal");
      const forRequests = isMirrored ? ownRequestFields.union(new Set(["x-forwarded-for"])) : ownRequestFields;
      const own = isAnswer ? ownAnswerFields : forRequests;
      return { ...message, fields: message.fields.filter(([name]) => !own.has(name.toLowerCase())) };
    },
  },
  {
    id: "field-case",
    apply: (message) => ({
      ...message,
      fields: message.fields.map(([name, value]): Field => [name.toLowerCase(), value]),
    }),
  },
  {
    id: "field-order",
    apply: (message) => ({ ...message, fields: inStableOrder(message.fields) }),
  },
  {
    id: "answer-version",
    apply: (message, isAnswer) =>
      isAnswer ? { ...message, line: message.line.replace(/^HTTP\/1\.0 /, "HTTP/1.1 ") } : message,
  },
  {
    id: "reason-phrase",
    apply: (message) =>
      message.line.startsWith("HTTP/") ? { ...message, line: message.line.split(" ").slice(0, 2).join(" ") } : message,
  },
  {
    id: "empty-length",
    apply: (message, isAnswer) => {
      if (isAnswer || message.framing !== "length" || message.body !== "" || !message.isComplete) return message;
      const fields = message.fields.filter(([name, value]) => name.toLowerCase() !== "content-length" || value !== "0");
      return { ...message, framing: "none", fields };
    },
  },
  {
    id: "trailers",
    apply: (message) => ({ ...message, trailers: [] }),
  },
];

/** The order of fields with different names says nothing (RFC 9110, section 5.3); among those of one name it stays. */
function inStableOrder(fields: readonly Field[]): readonly Field[] {
  const key = ([name]: Field) => name.toLowerCase();
  return fields.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function withoutFraming(message: Message): Message {
  return { ...message, fields: message.fields.filter(([name]) => !framingFields.has(name.toLowerCase())) };
}

/** By all rules but `except`. */
export function plain(observation: Observation, except?: HttpDifferenceId): Observation {
  const active = rules.filter(({ id }) => id !== except);
  const applied =
    (isAnswer: boolean) =>
    <M extends Message>(message: M): M => ({
      ...message,
      ...withoutFraming(active.reduce<Message>((seen, { apply }) => apply(seen, isAnswer), message)),
    });
  return {
    exchanges: observation.exchanges.map((exchange) => ({ ...exchange, answers: exchange.answers.map(applied(true)) })),
    upstream: Object.fromEntries(
      Object.entries(observation.upstream).map(([name, requests]) => [name, requests.map(applied(false))]),
    ),
  };
}
