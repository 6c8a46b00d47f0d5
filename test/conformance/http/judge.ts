// Is what a side did what a case expects, and did both do the same?
import { type Field, fieldValue } from "../../support/http-text.ts";
import { assertFits } from "../../support/stats.ts";
import type { HttpDifferenceId } from "./differences.ts";
import type { Message, Observation } from "./observe.ts";
import { type Case, type Expectation, expectationOf, type Side } from "./scenario.ts";
import { plain } from "./transparency.ts";

/** Throws unless the observation has everything that was said of it. */
export function check(expected: Expectation, observed: Observation): void {
  const { exchanges, upstream } = observed;
  const answers = exchanges.flatMap((exchange) => exchange.answers);
  const first = Object.values(upstream).flat()[0];
  const problems = [
    expected.last && differs("last answers", expected.last, answers.slice(-expected.last.length).map(answerText)),
    expected.counts && differs("requests", expected.counts, countsOf(observed)),
    expected.answers && answerProblem(expected.answers, answers.map(answerText)),
    expected.matches && matchProblems("answer's field", expected.matches, answers[0]?.fields ?? []),
    expected.fields && fieldProblems("answer's field", expected.fields, answers[0]?.fields ?? []),
    expected.sent && fieldProblems("upstream field", expected.sent, first?.fields ?? []),
    expected.head && differs("upstream head", expected.head, headOf(first)),
    expected.sentMatches && matchProblems("upstream field", expected.sentMatches, first?.fields ?? []),
    expected.body !== undefined && differs("upstream body", expected.body, first?.body),
    expected.upstream && differs("upstream", expected.upstream, linesOf(upstream)),
    expected.closed && differs("closed", expected.closed, exchanges.at(-1)?.closed),
    expected.rest !== undefined && differs("rest", expected.rest, exchanges.at(-1)?.rest),
    expected.interim && differs("interim", expected.interim, exchanges.at(-1)?.interim),
  ];
  const said = problems.filter((problem) => typeof problem === "string" && problem !== "");
  if (said.length > 0) throw new Error(`${said.join("; ")}\n${JSON.stringify(observed, null, 1)}`);
}

function headOf(message: Message | undefined): readonly string[] | undefined {
  return message && [message.line, ...message.fields.map(([name, value]) => `${name}: ${value}`)];
}

function answerProblem(expected: readonly string[] | "each", seen: readonly string[]): string {
  if (expected !== "each") return differs("answers", expected, seen);
  return seen.length > 0 && seen.every((text) => text.startsWith("200 ")) ? "" : `answers: ${JSON.stringify(seen)}`;
}

function answerText({ line, body }: Message): string {
  return `${line.split(" ")[1]} ${body}`.trim();
}

function linesOf(upstream: Observation["upstream"]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(upstream).map(([name, requests]) => [
      name,
      requests.map(({ line }) => line.replace(/ HTTP\/1\.1$/, "")),
    ]),
  );
}

function differs(what: string, expected: unknown, seen: unknown): string {
  return Bun.deepEquals(expected, seen)
    ? ""
    : `${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`;
}

function fieldProblems(
  what: string,
  expected: Readonly<Record<string, string | null>>,
  fields: readonly Field[],
): string {
  return Object.entries(expected)
    .map(([name, value]) => differs(`${what} ${name}`, value, fieldValue(fields, name) ?? null))
    .filter((problem) => problem !== "")
    .join("; ");
}

function matchProblems(what: string, expected: Readonly<Record<string, string>>, fields: readonly Field[]): string {
  return Object.entries(expected)
    .filter(([name, pattern]) => !new RegExp(pattern).test(fieldValue(fields, name) ?? ""))
    .map(([name, pattern]) => `${what} ${name}: ${JSON.stringify(fieldValue(fields, name))} doesn't match ${pattern}`)
    .join("; ");
}

/** Whether Envoy's answers and ours are the same, but for what the rules of transparency take out. */
export function isAlike(envoy: Observation, ours: Observation, except?: HttpDifferenceId): boolean {
  return Bun.deepEquals(plain(envoy, except), plain(ours, except));
}

/** Throws unless both did as expected and the same; for a known difference: unless each did its own. */
export function judge(one: Case, envoy: Observation, ours: Observation): void {
  const { difference, shares, isRandom = false } = one;
  if (shares !== undefined) {
    said("Envoy", () => assertFits(countsOf(envoy), shares));
    said("kmesh-edge", () => assertFits(countsOf(ours), shares));
    return;
  }
  said("Envoy", () => check(expectationOf(one, "envoy"), envoy));
  said("kmesh-edge", () => check(expectationOf(one, "ours"), ours));
  if (isRandom) return;
  if (difference === undefined && !isAlike(envoy, ours)) {
    throw new Error(`not the same: ${diff(plain(envoy), plain(ours))}`);
  }
  if (difference !== undefined && isAlike(envoy, ours, difference.id)) {
    throw new Error(`the difference ${difference.id} no longer exists: take it off the list`);
  }
}

/** For one side alone. */
export function judgeAlone(one: Case, side: Side, seen: Observation): void {
  if (one.shares !== undefined) assertFits(countsOf(seen), one.shares);
  else said(side, () => check(expectationOf(one, side), seen));
}

function countsOf({ upstream }: Observation): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(upstream).map(([name, requests]) => [name, requests.length]));
}

function said(who: string, assert: () => void): void {
  try {
    assert();
  } catch (error) {
    throw new Error(`${who}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The leaves that differ, by path. */
export function diff(envoy: unknown, ours: unknown, path = ""): string {
  if (Bun.deepEquals(envoy, ours)) return "";
  if (typeof envoy !== "object" || typeof ours !== "object" || envoy === null || ours === null) {
    return `${path}: Envoy ${JSON.stringify(envoy)}, kmesh-edge ${JSON.stringify(ours)}`;
  }
  if (path.endsWith("fields")) return `${path}: Envoy ${JSON.stringify(envoy)}, kmesh-edge ${JSON.stringify(ours)}`;
  const keys = [...new Set([...Object.keys(envoy), ...Object.keys(ours)])];
  const of = (value: object, key: string): unknown => (value as Readonly<Record<string, unknown>>)[key];
  return keys
    .map((key) => diff(of(envoy, key), of(ours, key), path === "" ? key : `${path}.${key}`))
    .filter((text) => text !== "")
    .join("; ");
}
