// The agent's configuration: /etc/kmesh-edge/config.yaml, then the environment, then flags; the later wins. All problems are
// reported at once, each with the file and field, and the result is frozen.
import { statSync } from "node:fs";
import { ConfigError } from "./errors.ts";
import { isLoopback, isPort, parseSocketAddress, type SocketAddress } from "./ip.ts";
import { readText } from "./source/text.ts";
import { parseYaml } from "./source/yaml.ts";
import { isLogLevel, type LogLevel, logLevels } from "./telemetry/log.ts";
import type { NodeConfig } from "./xds/node.ts";

export interface Config {
  readonly meshFile: string | undefined;
  /** An xDS control plane; wins over the mesh file's dynamic_resources. */
  readonly controller: HostPort | undefined;
  readonly xdsProtocol: "delta" | "sotw";
  readonly initialFetchTimeoutMs: number;
  readonly node: NodeConfig;
  /** cgroup paths. */
  readonly workloads: readonly string[];
  readonly stateDirectory: string;
  readonly pinDirectory: string;
  readonly adminSocket: string;
  readonly adminAddress: SocketAddress | undefined;
  readonly trustVip: boolean;
  /** connect: nothing is relayed; HTTP that needs it is left native. */
  readonly engine: "auto" | "connect";
  /** Processes of the relay; as many as the host has cores where unset. */
  readonly relayWorkers: number | undefined;
  /** What happens to connections that the relay should have while none of its workers listens. */
  readonly onRelayDown: "bypass" | "refuse";
  readonly detachOnExit: boolean;
  readonly logLevel: LogLevel;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export const defaults = {
  configFile: "/etc/kmesh-edge/config.yaml",
  meshFile: "/etc/kmesh-edge/mesh.yaml",
  stateDirectory: "/var/lib/kmesh-edge",
  pinDirectory: "/sys/fs/bpf/kmesh-edge",
  adminSocket: "/run/kmesh-edge/admin.sock",
  adminAddress: "127.0.0.1:15000",
} as const;

/** More relay workers than this only cost memory. */
const mostWorkers = 64;

/** Flags as the command line gave them. */
export interface Flags {
  readonly config?: string;
  readonly mesh?: string;
  readonly cgroup?: readonly string[];
  readonly controller?: string;
  readonly engine?: string;
  readonly "state-dir"?: string;
  readonly "pin-dir"?: string;
  readonly admin?: readonly string[];
  readonly xds?: string;
  readonly "log-level"?: string;
  readonly "detach-on-exit"?: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws ConfigError with one line per problem. A missing default file is no problem; a missing named one is. */
export function loadConfig(flags: Flags, env: Env): Config {
  const problems: string[] = [];
  const file = readConfigFile(flags.config, problems);
  const reader = new Reader(flags.config ?? defaults.configFile, file, problems);

  // Read whole, whatever wins over it: a field that a flag overrides is still a known one, and still checked.
  const inFile = {
    controller: reader.text("controller"),
    mesh: reader.text("mesh"),
    xds: reader.text("xds.protocol"),
    stateDirectory: reader.text("state_dir"),
    pinDirectory: reader.text("pin_dir"),
    engine: reader.text("engine"),
    onRelayDown: reader.text("on_relay_down"),
    detachOnExit: reader.flag("detach_on_exit"),
    logLevel: reader.text("log_level"),
  };
  const controller = parseController(flags.controller ?? env.MESH_CONTROLLER ?? inFile.controller, problems);
  const mesh = flags.mesh ?? inFile.mesh;
  const admin = parseAdmin(flags.admin, reader, problems);
  const config: Config = {
    meshFile: mesh ?? (controller === undefined || exists(defaults.meshFile) ? defaults.meshFile : undefined),
    controller,
    xdsProtocol: oneOf("xds", flags.xds ?? inFile.xds, ["delta", "sotw"], "delta", problems),
    initialFetchTimeoutMs: reader.seconds("xds.initial_fetch_timeout") ?? 15_000,
    node: reader.node(),
    workloads: [...reader.workloads(), ...(flags.cgroup ?? [])],
    stateDirectory: flags["state-dir"] ?? inFile.stateDirectory ?? defaults.stateDirectory,
    pinDirectory: flags["pin-dir"] ?? inFile.pinDirectory ?? defaults.pinDirectory,
    ...admin,
    trustVip: reader.flag("trust_vip") ?? true,
    engine: oneOf("engine", flags.engine ?? inFile.engine, ["auto", "connect"], "auto", problems),
    relayWorkers: reader.count("relay.workers", mostWorkers),
    onRelayDown: oneOf("on_relay_down", inFile.onRelayDown, ["bypass", "refuse"], "bypass", problems),
    detachOnExit: flags["detach-on-exit"] ?? inFile.detachOnExit ?? false,
    logLevel: logLevelOf(flags["log-level"] ?? inFile.logLevel, problems),
  };
  reader.rejectUnknown();
  if (problems.length > 0) throw new ConfigError("", problems.join("\n"));
  return Object.freeze(config);
}

function readConfigFile(named: string | undefined, problems: string[]): unknown {
  const path = named ?? defaults.configFile;
  if (named === undefined && !exists(path)) return {};
  try {
    return parseYaml(readText(path), path) ?? {};
  } catch (error) {
    problems.push(error instanceof ConfigError ? error.reason : `${path}: ${String(error)}`);
    return {};
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Reads fields by dotted path and remembers which were asked for, so that the others can be named as unknown. */
class Reader {
  readonly file: string;
  readonly root: unknown;
  readonly problems: string[];
  readonly #known = new Set<string>();

  constructor(file: string, root: unknown, problems: string[]) {
    this.file = file;
    this.root = root;
    this.problems = problems;
  }

  text(path: string): string | undefined {
    return this.#typed(path, "a string", (value) => typeof value === "string" && value !== "") as string | undefined;
  }

  flag(path: string): boolean | undefined {
    return this.#typed(path, "true or false", (value) => typeof value === "boolean") as boolean | undefined;
  }

  count(path: string, atMost: number): number | undefined {
    const is = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= atMost;
    return this.#typed(path, `a whole number from 1 to ${atMost}`, is) as number | undefined;
  }

  /** `15s` or `0.5s`, as protobuf's Duration in JSON; in milliseconds. */
  seconds(path: string): number | undefined {
    const text = this.#typed(
      path,
      "a duration such as 15s",
      (value) => typeof value === "string" && /^\d+(\.\d+)?s$/.test(value),
    );
    return text === undefined ? undefined : Number.parseFloat(text as string) * 1000;
  }

  node(): NodeConfig {
    const texts = {
      id: this.text("node.id"),
      cluster: this.text("node.cluster"),
      namespace: this.text("node.namespace"),
      serviceAccount: this.text("node.service_account"),
      clusterId: this.text("node.cluster_id"),
      meshId: this.text("node.mesh_id"),
      network: this.text("node.network"),
      istioVersion: this.text("node.istio_version"),
    };
    const locality = {
      region: this.text("node.locality.region") ?? "",
      zone: this.text("node.locality.zone") ?? "",
      subZone: this.text("node.locality.sub_zone") ?? "",
    };
    const labels = this.#typed("node.labels", "a mapping of strings", isTextMapping);
    const metadata = this.#typed("node.metadata", "a mapping", isMapping);
    return {
      ...(Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)) as Partial<NodeConfig>),
      locality,
      ...(labels === undefined ? {} : { labels: labels as Record<string, string> }),
      ...(metadata === undefined ? {} : { metadata: metadata as NonNullable<NodeConfig["metadata"]> }),
    };
  }

  /** `workloads: [{cgroup: PATH}]` */
  workloads(): string[] {
    const list = this.#typed("workloads", "a list", Array.isArray) as unknown[] | undefined;
    return (list ?? []).flatMap((entry, i) => {
      const path = isMapping(entry) ? entry.cgroup : undefined;
      if (typeof path === "string" && Object.keys(entry as object).length === 1) return [path];
      this.problems.push(`${this.file}: workloads[${i}]: expected {cgroup: PATH}`);
      return [];
    });
  }

  rejectUnknown(): void {
    if (!isMapping(this.root)) {
      this.problems.push(`${this.file}: expected a mapping`);
      return;
    }
    this.#rejectUnknown(this.root, "");
  }

  #rejectUnknown(mapping: Record<string, unknown>, prefix: string): void {
    for (const [key, value] of Object.entries(mapping)) {
      const path = `${prefix}${key}`;
      if (this.#known.has(path)) continue;
      const isParent = [...this.#known].some((known) => known.startsWith(`${path}.`));
      if (isParent && isMapping(value)) this.#rejectUnknown(value, `${path}.`);
      else this.problems.push(`${this.file}: ${path}: ${isParent ? "expected a mapping" : "unknown field"}`);
    }
  }

  #typed(path: string, expected: string, is: (value: unknown) => boolean): unknown {
    this.#known.add(path);
    let value: unknown = this.root;
    for (const key of path.split(".")) value = isMapping(value) ? value[key] : undefined;
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    this.problems.push(`${this.file}: ${path}: expected ${expected}`);
    return undefined;
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextMapping(value: unknown): boolean {
  return isMapping(value) && Object.values(value).every((one) => typeof one === "string");
}

function parseController(text: string | undefined, problems: string[]): HostPort | undefined {
  if (text === undefined || text === "") return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && isPort(port)) return { host, port };
  problems.push(`controller ${JSON.stringify(text)}: expected HOST:PORT`);
  return undefined;
}

/** `--admin` takes a socket's path, IP:PORT, or `off` for no TCP; more than once. */
function parseAdmin(
  given: readonly string[] | undefined,
  reader: Reader,
  problems: string[],
): Pick<Config, "adminSocket" | "adminAddress"> {
  const socketInFile = reader.text("admin.socket");
  const addressInFile = reader.text("admin.address");
  const socket = given?.find((one) => one.startsWith("/")) ?? socketInFile ?? defaults.adminSocket;
  const tcp = given?.find((one) => !one.startsWith("/")) ?? addressInFile ?? defaults.adminAddress;
  if (tcp === "off") return { adminSocket: socket, adminAddress: undefined };
  const address = parseSocketAddress(tcp);
  if (address === undefined) problems.push(`admin ${JSON.stringify(tcp)}: expected a path, IP:PORT or off`);
  else if (!isLoopback(address.address))
    problems.push(`admin ${tcp}: only a loopback address can be served; put a proxy before it`);
  return { adminSocket: socket, adminAddress: address };
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  allowed: readonly T[],
  fallback: T,
  problems: string[],
): T {
  if (text === undefined) return fallback;
  const found = allowed.find((one) => one === text);
  if (found === undefined) problems.push(`${name} ${JSON.stringify(text)}: expected ${allowed.join(" or ")}`);
  return found ?? fallback;
}

function logLevelOf(text: string | undefined, problems: string[]): LogLevel {
  if (text === undefined) return "info";
  if (isLogLevel(text)) return text;
  problems.push(`log level ${JSON.stringify(text)}: expected ${logLevels.join(", ")}`);
  return "info";
}
