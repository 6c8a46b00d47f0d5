// Asks one side a probe's question and judges what it answers.
import { type Answer, type Dialer, tallyOf } from "../support/dialer.ts";
import { assertFits } from "../support/stats.ts";
import type { Counts, Expectation, Probe } from "./scenario.ts";

export type Side = "envoy" | "ours";

/** What a connection that isn't served looks like: the difference `refusal`. */
const refusals: Readonly<Record<Side, readonly string[]>> = {
  envoy: ["CLOSED", "ECONNRESET"],
  ours: ["ECONNREFUSED"],
};

export interface Observation {
  /** In order: who answered, `refused`, or `!` and an error. */
  readonly answers: readonly string[];
  readonly tally: Counts;
}

export async function observe(side: Side, client: Dialer, probe: Probe): Promise<Observation> {
  const answers = (await dial(client, probe)).map((answer) => nameOf(side, answer, probe.at));
  return { answers, tally: tallyOf(answers.map((name) => ({ name, peer: "" }))) };
}

async function dial(client: Dialer, probe: Probe): Promise<readonly Answer[]> {
  const colon = probe.at.lastIndexOf(":");
  const [address, port] = [probe.at.slice(0, colon).replace(/^\[|\]$/g, ""), Number(probe.at.slice(colon + 1))];
  const { count, concurrency = 1, hold = false, send, sources } = probe;
  const options = { concurrency, hold, ...(send === undefined ? {} : { send }) };
  if (sources === undefined) {
    const answers = await client.dial(address, port, { ...options, count });
    if (hold) await client.release();
    return answers;
  }
  const answers: Answer[] = [];
  for (const source of sources) {
    answers.push(...(await client.dial(address, port, source === "" ? options : { ...options, localAddress: source })));
  }
  return answers;
}

function nameOf(side: Side, answer: Answer, at: string): string {
  if ("error" in answer) return refusals[side].includes(answer.error) ? "refused" : `!${answer.error}`;
  // Transparent to the application: getpeername is what it connected to.
  return answer.peer === at ? answer.name : `${answer.name} as ${answer.peer}`;
}

/** Throws unless both answered as expected; for a known difference: unless each did, and they differ. */
export function judge(probe: Probe, envoy: Observation, ours: Observation): void {
  const { difference, expect } = probe;
  said("Envoy", () => check(expect, envoy));
  said("kmesh-edge", () => check(difference?.ours ?? expect, ours));
  const isAlike = expect.kind === "by_source" && Bun.deepEquals(envoy.answers, ours.answers);
  if (difference === undefined) {
    if (expect.kind === "by_source" && !isAlike) {
      throw new Error(`sources have other endpoints than in Envoy: ${table(probe, envoy, ours)}`);
    }
    return;
  }
  const isGone = expect.kind === "by_source" ? isAlike : passes(expect, ours);
  if (isGone) throw new Error(`the difference ${difference.id} no longer exists: take it off the list`);
}

function said(who: string, assert: () => void): void {
  try {
    assert();
  } catch (error) {
    throw new Error(`${who}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function passes(expectation: Expectation, observation: Observation): boolean {
  try {
    check(expectation, observation);
    return true;
  } catch {
    // The reason is of no interest: the question was whether.
    return false;
  }
}

function check(expectation: Expectation, { answers, tally }: Observation): void {
  const seen = JSON.stringify(tally);
  switch (expectation.kind) {
    case "shares":
      assertFits(tally, expectation.weights);
      return;
    case "counts":
      if (Bun.deepEquals(tally, expectation.counts)) return;
      throw new Error(`${seen} instead of ${JSON.stringify(expectation.counts)}`);
    case "within": {
      const { bounds } = expectation;
      const isIn = ([name, [low, high]]: [string, readonly [number, number]]) =>
        (tally[name] ?? 0) >= low && (tally[name] ?? 0) <= high;
      if (Object.entries(bounds).every(isIn) && Object.keys(tally).every((name) => name in bounds)) return;
      throw new Error(`${seen} isn't within ${JSON.stringify(bounds)}`);
    }
    case "by_source":
      if (Object.keys(tally).length > 1 && !answers.some((name) => /^!|^refused$/.test(name))) return;
      throw new Error(`${seen} for ${answers.length} sources`);
    case "alternates": {
      const changes = answers.filter((name, i) => i > 0 && name !== answers[i - 1]).length;
      const percent = (100 * changes) / (answers.length - 1);
      if (percent >= expectation.atLeast && percent <= expectation.atMost) return;
      throw new Error(`${percent.toFixed(1)} % changes, not ${expectation.atLeast} to ${expectation.atMost}`);
    }
    default:
      expectation satisfies never;
  }
}

function table({ sources = [] }: Probe, envoy: Observation, ours: Observation): string {
  return sources.map((source, i) => `${source || "any"} ${envoy.answers[i]}/${ours.answers[i]}`).join(", ");
}
