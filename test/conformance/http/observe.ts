// Plays a case against one side, and says what the client and the backends saw of it.
import type { HttpBackends, UpstreamRequest } from "../../support/http-backends.ts";
import { type Field, type Framing, methodsOf, readResponses, splitHead } from "../../support/http-text.ts";
import type { ClientStep, RawClient, Transcript } from "../../support/raw-client.ts";
import { waitFor } from "../../support/wait.ts";
import { endpointAddress, letterOf, localize, type Placed } from "./config.ts";
import { type Case, type Connection, type Expectation, expectationOf, type Side } from "./scenario.ts";

export interface Message {
  /** The request line, or the status and reason. */
  readonly line: string;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly framing: Framing;
  readonly trailers: readonly Field[];
  readonly isComplete: boolean;
}

export interface Exchange {
  readonly answers: readonly Message[];
  readonly interim: readonly number[];
  readonly rest: string;
  readonly closed: string;
}

export interface Observation {
  readonly exchanges: readonly Exchange[];
  /** By endpoint, in order. */
  readonly upstream: Readonly<Record<string, readonly (Message & { readonly tunnel: string })[]>>;
}

/** Where a side is observed from: its client, and the backends behind it. */
export interface Seat {
  readonly client: RawClient;
  readonly backends: HttpBackends;
}

/** Requests to it are the proxy's own, as many as time allows: they aren't observed. */
export const healthPath = "/.health";

const patienceMs = 5_000;
const graceMs = 200;

export async function observe(side: Side, seat: Seat, placed: Placed, one: Case): Promise<Observation> {
  const { backends } = seat;
  const { prefix } = placed;
  await backends.script(
    Object.fromEntries(
      [..."abcdefghijklmnop"].map((letter) => [
        endpointAddress(letter, prefix),
        one.backends?.[letter] ?? { replies: [] },
      ]),
    ),
  );
  const transcripts = await playAll(seat, placed, one, expectationOf(one, side));
  const exchanges = one.connections.map((connection, i) =>
    exchangeOf(connection, placed, transcripts[i] ?? { received: "", closed: "never played" }),
  );
  // A mirrored request isn't waited for by anybody: the last may be still on its way.
  await settled(backends, prefix);
  const upstream = byEndpoint(await backends.take(prefix));
  // No case inherits a connection to an endpoint from the one before.
  await backends.disconnect(prefix);
  await Bun.sleep(20);
  return { exchanges, upstream };
}

/** What is waited for is what this side is expected to do. */
async function playAll(
  { client, backends }: Seat,
  placed: Placed,
  { connections }: Case,
  expected: Expectation,
): Promise<readonly Transcript[]> {
  const plays: Promise<Transcript>[] = [];
  for (const { steps, answers, holds } of connections) {
    const alone = connections.length === 1 ? expected : {};
    const play = client.play({
      ...{ address: placed.vip, port: 80, patienceMs, graceMs },
      answers: Array.isArray(alone.answers) ? alone.answers.length : answers,
      awaitClose: alone.closed !== undefined && alone.closed !== "open",
      steps: steps.map((step) => localizeStep(step, placed)),
    });
    plays.push(play);
    if (holds === undefined) await play;
    // A case in which the backends never see it fails by what is observed, not here.
    else
      await waitFor("held requests", async () => (await backends.seen(placed.prefix)) >= holds, 3_000).catch(
        () => undefined,
      );
  }
  await backends.release(placed.prefix);
  return Promise.all(plays);
}

function localizeStep(step: ClientStep, placed: Placed): ClientStep {
  return typeof step === "string" ? localize(step, placed) : step;
}

async function settled(backends: HttpBackends, prefix: string): Promise<void> {
  for (let last = -1, seen = await backends.seen(prefix); seen !== last; seen = await backends.seen(prefix)) {
    last = seen;
    await Bun.sleep(30);
  }
}

function exchangeOf({ steps }: Connection, placed: Placed, { received, closed }: Transcript): Exchange {
  const sent = steps
    .filter((step) => typeof step === "string")
    .map((step) => localize(step, placed))
    .join("");
  const { responses, interim, rest } = readResponses(received, methodsOf(sent));
  const answers = responses.map(({ version, status, reason, fields, body: { text, ...body } }) => ({
    ...{ line: `HTTP/${version} ${status} ${reason}`.trim(), fields, body: text, ...body },
  }));
  return { answers, interim, rest, closed };
}

function byEndpoint(requests: readonly UpstreamRequest[]): Observation["upstream"] {
  const upstream: Record<string, (Message & { tunnel: string })[]> = {};
  for (const { endpoint, head, body, framing, trailers, isComplete, tunnel } of requests) {
    const [line, fields] = splitHead(head);
    if (line.startsWith(`GET ${healthPath} `)) continue;
    const list = upstream[letterOf(endpoint)] ?? [];
    upstream[letterOf(endpoint)] = list;
    list.push({ line, fields, body, framing, trailers, isComplete, tunnel });
  }
  return upstream;
}
