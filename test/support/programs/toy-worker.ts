// A relay worker that only keeps the protocol: it says what it was told, and dies when it is told to.
import { encodeFrame, readFrames } from "../../../src/relay/channel.ts";
import type { FromWorker, ToWorker } from "../../../src/relay/protocol.ts";

const say = async (message: FromWorker): Promise<void> => {
  await Bun.write(Bun.stdout, encodeFrame(message));
};

const chains = new Map<string, unknown>();
let updates = 0;
for await (const message of readFrames<ToWorker>(Bun.stdin.stream())) {
  if (message.type === "drain") process.exit(0);
  if (message.type !== "update") continue;
  for (const [key, chain] of message.chains) {
    if (chain === undefined) chains.delete(key);
    else chains.set(key, chain);
  }
  // What it knows, where the test can see it: as counters.
  const refused = { updates: ++updates, changed: message.chains.size, chains: chains.size };
  await say({ type: "stats", stats: { listeners: {}, clusters: {}, refused } });
  if (updates === 1) await say({ type: "listening" });
  await say({ type: "applied", generation: message.generation });
  if ([...message.chains.keys()].includes("666/0")) process.exit(9);
}
