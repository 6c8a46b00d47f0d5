// `relay-worker`: one process of the relay. The agent starts it and talks to it over its standard input and output.
import { runWorker } from "../../relay/worker.ts";
import type { Command } from "../command.ts";

export const relayWorker: Command = {
  name: "relay-worker",
  summary: "A process of the HTTP relay; started by the agent",
  arguments: "",
  options: {},
  example: "kmesh-edge relay-worker",
  isHidden: true,
  run: async ({ terminal }) => {
    // The build makes code wait for its compilation, which is right for a verb that runs once; a worker runs the same code for weeks.
    Bun.unsafe.setJITPolicy(1);
    const output = Bun.stdout.writer();
    await runWorker({
      input: Bun.stdin.stream(),
      output: (frame) => {
        output.write(frame);
        void output.flush();
      },
      log: terminal.err,
      signal: terminal.signal,
    });
    return 0;
  },
};
