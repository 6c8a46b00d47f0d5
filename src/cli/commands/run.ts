// `run`: the agent in the foreground, until SIGINT or SIGTERM.
import { hostname, networkInterfaces } from "node:os";
import { Agent } from "../../agent.ts";
import { systemClock } from "../../clock.ts";
import { loadConfig } from "../../config.ts";
import { Log } from "../../telemetry/log.ts";
import { readBpfObject } from "../assets.ts";
import type { Command } from "../command.ts";

export const run: Command = {
  name: "run",
  summary: "The agent: govern the enrolled cgroups by a mesh file, a control plane, or both",
  arguments: "",
  options: {
    config: { type: "string", value: "FILE", help: "agent configuration [/etc/kmesh-edge/config.yaml]" },
    mesh: { type: "string", value: "FILE", help: "mesh file: an Envoy bootstrap [/etc/kmesh-edge/mesh.yaml]" },
    cgroup: { type: "string", value: "PATH", multiple: true, help: "enrol this cgroup" },
    controller: { type: "string", value: "HOST:PORT", help: "xDS control plane; also MESH_CONTROLLER" },
    xds: { type: "string", value: "delta|sotw", help: "variant of the xDS protocol [delta]" },
    engine: { type: "string", value: "auto|connect", help: "how listeners are governed [auto]" },
    "state-dir": { type: "string", value: "DIR", help: "state directory [/var/lib/kmesh-edge]" },
    "pin-dir": { type: "string", value: "DIR", help: "pins, in a bpf file system [/sys/fs/bpf/kmesh-edge]" },
    admin: {
      type: "string",
      value: "ADDR",
      multiple: true,
      help: "admin socket path, loopback IP:PORT, or off for no TCP",
    },
    "log-level": { type: "string", value: "LEVEL", help: "debug, info, warn or error [info]" },
    "detach-on-exit": { type: "boolean", help: "remove programs, links and pins at the end: traffic is native again" },
  },
  example: "kmesh-edge run --mesh mesh.yaml --cgroup /sys/fs/cgroup/shop.slice",
  run: async ({ terminal, options }) => {
    const config = loadConfig(options, terminal.env);
    const agent = new Agent({
      config,
      relayWorker: [...terminal.self, "relay-worker"],
      object: readBpfObject(),
      host: describeHost(),
      log: new Log(config.logLevel, terminal.out, () => new Date()),
      clock: systemClock,
      random: Math.random,
    });
    await agent.run(terminal.signal);
    return 0;
  },
};

/** The addresses that the kernel would choose as sources, in the order of the interfaces. */
export function describeHost(): { hostname: string; addresses: string[]; sources: { v4: string; v6: string } } {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const first = (family: string): string | undefined => reachable.find((one) => one.family === family)?.address;
  return {
    hostname: hostname(),
    addresses: reachable.map(({ address }) => address),
    sources: { v4: first("IPv4") ?? "127.0.0.1", v6: first("IPv6") ?? "::1" },
  };
}
