// Plays scripts of bytes over TCP connections, many at once, and says what came back and how each connection ended. Answers carry
// the id of their script, because they come in any order.

import type { Socket } from "bun";
import { splitLines } from "../companion.ts";
import { methodsOf, readResponses } from "../http-text.ts";
import type { ClientScript, ClientStep, Transcript } from "../raw-client.ts";

interface Play {
  readonly script: ClientScript;
  sent: string;
  received: string;
  closed: Transcript["closed"];
  /** Woken at every change. */
  wake: () => void;
}

/** Waits until `isReached`, the connection's end or the deadline. */
async function until(play: Play, deadline: number, isReached: () => boolean): Promise<void> {
  while (!isReached() && play.closed === "open") {
    const left = deadline - performance.now();
    if (left <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    play.wake = resolve;
    const timer = setTimeout(resolve, left);
    await promise;
    clearTimeout(timer);
  }
}

function answers(play: Play): number {
  const { responses } = readResponses(play.received, methodsOf(play.sent));
  return responses.filter(({ body, status }) => body.isComplete || status === 101).length;
}

async function open(play: Play): Promise<Socket> {
  const { address, port } = play.script;
  const end = (closed: Transcript["closed"]) => {
    if (play.closed === "open") play.closed = closed;
    play.wake();
  };
  return Bun.connect({
    hostname: address,
    port,
    allowHalfOpen: true,
    socket: {
      data(_, data) {
        play.received += data.toString("latin1");
        play.wake();
      },
      end: () => end("fin"),
      error: () => end("reset"),
      close: (_, error) => end(error === undefined || error === null ? "fin" : "reset"),
    },
  });
}

async function step(play: Play, socket: Socket, given: ClientStep, deadline: number): Promise<void> {
  if (typeof given === "string") {
    play.sent += given;
    await write(play, socket, Buffer.from(given, "latin1"));
  } else if ("wait" in given) await Bun.sleep(given.wait);
  else if ("answers" in given) await until(play, deadline, () => answers(play) >= given.answers);
  else if ("text" in given) await until(play, deadline, () => play.received.includes(given.text));
  else if (given.do === "fin") socket.shutdown();
  else socket.terminate();
}

async function write(play: Play, socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && play.closed !== "reset"; ) {
    at += Math.max(0, socket.write(bytes.subarray(at)));
    if (at < bytes.length) await Bun.sleep(1);
  }
}

async function run(script: ClientScript): Promise<Transcript> {
  const play: Play = { script, sent: "", received: "", closed: "open", wake: () => undefined };
  const deadline = performance.now() + script.patienceMs;
  const socket = await open(play).catch((error: { code?: string }) => error.code ?? "error");
  if (typeof socket === "string") return { received: "", closed: socket };
  for (const one of script.steps) await step(play, socket, one, deadline);
  await until(play, deadline, () => answers(play) >= script.answers);
  // A close that was announced comes; one that wasn't would come at once.
  const isClosing = script.awaitClose || /^connection: *close\r?$/im.test(play.received);
  await until(play, isClosing ? deadline : performance.now() + script.graceMs, () => false);
  const { closed, received } = play;
  socket.terminate();
  return { received, closed };
}

for await (const line of splitLines(Bun.stdin.stream())) {
  const { id, script } = JSON.parse(line) as { id: number; script: ClientScript };
  void run(script).then((transcript) => process.stdout.write(`${JSON.stringify({ id, transcript })}\n`));
}
process.exit(0);
