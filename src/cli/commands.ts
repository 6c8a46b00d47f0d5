// Every verb, in the order of the help. A verb's code is loaded when it is used: `version` or `status` must not pay for all that
// the agent is made of.

import type { Command } from "./command.ts";

interface Verb {
  readonly name: string;
  /** The command of that name. */
  readonly load: () => Promise<Command>;
}

export const verbs: readonly Verb[] = [
  { name: "demo", load: async () => (await import("./commands/demo.ts")).demo },
  { name: "run", load: async () => (await import("./commands/run.ts")).run },
  { name: "check", load: async () => (await import("./commands/check.ts")).check },
  { name: "explain", load: async () => (await import("./commands/agent.ts")).explain },
  { name: "enroll", load: async () => (await import("./commands/agent.ts")).enroll },
  { name: "unenroll", load: async () => (await import("./commands/agent.ts")).unenroll },
  { name: "workloads", load: async () => (await import("./commands/agent.ts")).workloads },
  { name: "status", load: async () => (await import("./commands/agent.ts")).status },
  { name: "dump", load: async () => (await import("./commands/agent.ts")).dump },
  { name: "log", load: async () => (await import("./commands/agent.ts")).log },
  { name: "doctor", load: async () => (await import("./commands/doctor.ts")).doctor },
  { name: "version", load: async () => (await import("./commands/version.ts")).version },
  { name: "relay-worker", load: async () => (await import("./commands/relay-worker.ts")).relayWorker },
  { name: "demo-client", load: async () => (await import("./commands/demo.ts")).demoClient },
];

export function loadAll(): Promise<Command[]> {
  return Promise.all(verbs.map(({ load }) => load()));
}
