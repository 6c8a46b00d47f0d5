// The maps as a relay worker uses them: where an accepted connection was going, which of its sockets the programs leave alone, and
// whether connections still come to it.
import { join } from "node:path";
import type { SocketAddress } from "../ip.ts";
import type { MapDefinition } from "../layout/codec.ts";
import { ConnectionPhase, maps as layouts, type Relayed } from "../layout/mesh.gen.ts";
import { BpfMap } from "../libbpf/map.ts";
import type { Original } from "../relay/protocol.ts";
import { type DataplaneMaps, mainKey } from "./maps.ts";

type Used = Pick<DataplaneMaps, "relayed" | "connections" | "settings">;

const names = ["relayed", "connections", "settings"] as const satisfies readonly (keyof Used)[];

export class RelayMaps implements Disposable {
  readonly #maps: Used;

  private constructor(maps: Used) {
    this.#maps = maps;
  }

  /** In the directory that `mapDirectory` names; undefined where they aren't pinned (yet). */
  static openPinned(directory: string): RelayMaps | undefined {
    return RelayMaps.#from((name) => BpfMap.openPinned(join(directory, name), definitionOf(name)));
  }

  /** Descriptors that were inherited from the agent; they are taken over. */
  static adopt(fds: Readonly<Record<keyof Used, number>>): RelayMaps {
    const maps = RelayMaps.#from((name) => BpfMap.adopt(fds[name], definitionOf(name)));
    if (maps === undefined) throw new TypeError("a map is missing");
    return maps;
  }

  static #from(open: (name: keyof Used) => BpfMap<unknown, unknown> | undefined): RelayMaps | undefined {
    using opened = new DisposableStack();
    const maps: Partial<Record<keyof Used, BpfMap<unknown, unknown>>> = {};
    for (const name of names) {
      const map = open(name);
      if (map === undefined) return undefined;
      maps[name] = opened.use(map);
    }
    opened.move();
    return new RelayMaps(maps as unknown as Used);
  }

  /** Makes a socket of this process, before it listens, one that connections are sent to. The mark goes with the socket. */
  mark(fd: number): void {
    this.#maps.connections.set(fd, { ...unmarked, phase: ConnectionPhase.PHASE_RELAY });
  }

  /** Leaves what this socket of this process connects to alone, whatever cgroup it is in; to be called before it connects. */
  exempt(fd: number): void {
    this.#maps.connections.set(fd, { ...unmarked, phase: ConnectionPhase.PHASE_EXEMPT });
  }

  /** Where the peer of an accepted connection was going; undefined: it isn't an enrolled workload. To be asked once. */
  take(client: SocketAddress): Original | undefined {
    const { family, bytes } = client.address;
    const entry = this.#maps.relayed.take({ address: bytes, portBe: client.port, family });
    return entry === undefined ? undefined : originalOf(entry);
  }

  /** Where connections are sent now: a worker that doesn't listen there has been superseded. Undefined: nowhere. */
  relayPort(): number | undefined {
    return this.#maps.settings.get(mainKey)?.relayPortBe || undefined;
  }

  [Symbol.dispose](): void {
    for (const name of names) this.#maps[name][Symbol.dispose]();
  }
}

const unmarked = {
  original: new Uint8Array(16),
  chosen: new Uint8Array(16),
  originalPortBe: 0,
  chosenPortBe: 0,
  originalFamily: 0,
  chosenFamily: 0,
  isRelayed: 0,
  listener: 0,
  chain: 0,
  cluster: 0,
  endpoint: 0,
  receivedAtFinWait2: 0,
};

function originalOf({ original, portBe, family, listener, chain }: Relayed): Original {
  const address = { family: family === 4 ? 4 : 6, bytes: original } as const;
  return { key: `${listener}/${chain}`, destination: { address, port: portBe } };
}

function definitionOf(name: keyof Used): MapDefinition<unknown, unknown> {
  return layouts[name] as MapDefinition<unknown, unknown>;
}
