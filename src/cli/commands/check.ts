// `check`: what a mesh file would do on this host, without touching anything.
import { describeDestination, type EngineName } from "../../admin/destinations.ts";
import { Compiler } from "../../compile/compile.ts";
import type { Placement } from "../../compile/placement.ts";
import { ConfigError } from "../../errors.ts";
import type { Finding } from "../../model/cluster.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { formatRejection, type MeshFile, readMeshFile } from "../../source/mesh-file.ts";
import type { Command } from "../command.ts";

interface CheckedDestination {
  readonly destination: string;
  readonly engine: EngineName;
  readonly reason: string;
  readonly clusters: readonly string[];
}

interface CheckResult {
  readonly file: string;
  readonly ok: boolean;
  readonly listeners: readonly {
    readonly name: string;
    readonly role: string;
    readonly destinations: readonly CheckedDestination[];
  }[];
  readonly rejections: readonly string[];
  readonly findings: readonly (Finding & { readonly resource: string })[];
  readonly conflicts: readonly string[];
}

/** No kernel: tables may be any size. */
const unlimitedSlots = 2 ** 31;
/** Nothing is kept, so the name itself will do as its digest. */
const nameInHex = (name: string): string => new TextEncoder().encode(name).toHex();

export const check: Command = {
  name: "check",
  summary: "What a mesh file would govern, by which engine, and what it can't and why",
  arguments: "FILE",
  options: {},
  example: "kmesh-edge check mesh.yaml",
  run: async ({ terminal, positionals, isJson }) => {
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0) throw new ConfigError("", "expected one FILE");
    const result = checkFile(readMeshFile(path));
    terminal.out(isJson ? `${JSON.stringify(result, null, 2)}\n` : formatCheck(result));
    return result.ok ? 0 : 1;
  },
};

export function checkFile(file: MeshFile): CheckResult {
  const compiled = new Compiler(unlimitedSlots, nameInHex, true).compile(file.snapshot);
  const listeners = [...compiled.listeners.values()].map(({ listener: { name, role }, placements }) => ({
    name,
    role,
    destinations: placements.map(describePlacement),
  }));
  const isHonoured = listeners.every(({ destinations }) => destinations.every(({ engine }) => engine !== "none"));
  return {
    file: file.path,
    ok: isHonoured && file.rejections.length === 0 && compiled.conflicts.length === 0,
    listeners,
    rejections: file.rejections.map((rejection) => formatRejection(file.path, rejection)),
    findings: [
      ...file.findings.map((finding) => ({ resource: "bootstrap", ...finding })),
      ...findingsOf(file.snapshot),
    ],
    conflicts: compiled.conflicts,
  };
}

function describePlacement(placement: Placement): CheckedDestination {
  const { destination, engine, reason, clusters } = describeDestination(placement);
  const isOne = clusters.length === 1;
  return {
    destination,
    engine,
    reason,
    clusters: clusters.map(({ cluster, weight }) => (isOne ? cluster : `${cluster} (${weight})`)),
  };
}

/** What is relayed goes where each request says; its clusters here are those of a relay that is down. */
function placeOf(engine: string, clusters: readonly string[]): string {
  if (clusters.length === 0) return "";
  return engine === "relay" ? `, or to ${clusters.join(", ")} while it is down` : ` to ${clusters.join(", ")}`;
}

function findingsOf({ listener, cluster, route }: Snapshot): CheckResult["findings"] {
  const of = (type: string, resources: ReadonlyMap<string, { readonly findings: readonly Finding[] }>) =>
    [...resources].flatMap(([name, { findings }]) =>
      findings.map((finding) => ({ resource: `${type} ${name}`, ...finding })),
    );
  return [...of("listener", listener), ...of("cluster", cluster), ...of("route configuration", route)];
}

function formatCheck(result: CheckResult): string {
  const lines = result.listeners.flatMap(({ name, role, destinations }) => {
    if (role !== "outbound") return [`listener ${name}: not governed (${role})`];
    return destinations.map(
      ({ destination, engine, clusters, reason }) =>
        `listener ${name}: ${destination}: ${engine}${placeOf(engine, clusters)} (${reason})`,
    );
  });
  const findings = result.findings.map(
    ({ severity, resource, path, reason }) => `${severity}: ${resource}: ${path}: ${reason}`,
  );
  const problems = [...result.rejections, ...result.conflicts];
  const verdict = result.ok ? "everything in it can be honoured" : "not everything in it can be honoured";
  return [...lines, ...findings, ...problems, `${result.file}: ${verdict}`].map((line) => `${line}\n`).join("");
}
