// The mesh file: an Envoy bootstrap in YAML or JSON, read whole. Problems of its resources are collected with path and line,
// so that `check` lists them all; only a file that can't be read as a bootstrap at all is an error.
import { basename } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Finding } from "../model/cluster.ts";
import { clustersOfListener } from "../model/references.ts";
import type { ModelOf, Rejection, Snapshot } from "../model/snapshot.ts";
import { BootstrapSchema } from "../xds/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { type Cluster, ClusterSchema } from "../xds/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../xds/gen/envoy/config/listener/v3/listener_pb.ts";
import { readMessage } from "../xds/json/read-message.ts";
import { type Decoded, decodeMessage } from "../xds/resource/decode.ts";
import { at, createReport, MAX_PROBLEMS, type Problem } from "../xds/resource/report.ts";
import { type ControlPlane, type FileNode, readBootstrap } from "./bootstrap.ts";
import { parseDocument, type YamlDocument } from "./document.ts";
import { locate, type Positions, type Step } from "./positions.ts";
import { danglingReferences, sharedAddresses } from "./references.ts";
import { hashText, readText } from "./text.ts";
import { atLine, isMapping, type Json, type Mapping } from "./yaml.ts";

/** `path` is the whole field path in the file, `static_resources.clusters[0].lb_polcy`. */
export interface FileRejection extends Rejection {
  /** From 1; undefined where the file has no such place. */
  readonly line: number | undefined;
}

export interface MeshFile {
  readonly path: string;
  /** Of its text: watchMeshFile needn't read what is known. */
  readonly contentHash: string;
  readonly node: FileNode | undefined;
  readonly snapshot: Snapshot;
  /** At most 100. A running agent refuses a file that has any. */
  readonly rejections: readonly FileRejection[];
  readonly controlPlane: ControlPlane | undefined;
  /** Of the bootstrap itself; those of resources stand in their models. */
  readonly findings: readonly Finding[];
}

/** Throws ConfigError. */
export function readMeshFile(path: string): MeshFile {
  return parseMeshFile(readText(path), path);
}

/** `mesh.yaml:12: static_resources.clusters[0].lb_polcy: unknown field (did you mean lb_policy?)` */
export function formatRejection(path: string, { line, path: field, reason }: FileRejection): string {
  return `${atLine(basename(path), line)}: ${field === "" ? "" : `${field}: `}${reason}`;
}

/** From where collecting garbage (40 ms at 7 MB) is worth it. */
const LARGE_TEXT = 1024 * 1024;
const RESOURCES = { parents: ["static_resources", "staticResources"], names: ["listeners", "clusters"] };

export function parseMeshFile(text: string, path: string): MeshFile {
  const document = parseDocument(text, path, RESOURCES);
  const { frame } = document;
  if (frame === null) throw new ConfigError(path, "is empty");
  if (!isMapping(frame)) throw new ConfigError(path, "must be a mapping: an Envoy bootstrap");
  const positions = lazily(() => locate(text, path));
  const facts = readFrame(frame, document, path, positions);
  const resources = readResources(document, facts.controlPlane, positions);
  // What was read on the way is garbage now: it must not stand beside what is compiled from the result.
  if (text.length > LARGE_TEXT) Bun.gc(true);
  return { path, contentHash: hashText(text), ...facts, ...resources };
}

type Frame = Pick<MeshFile, "node" | "controlPlane" | "findings">;

/** Everything but listeners and clusters: if that isn't right, the file as a whole can't be trusted to mean what it seems to. */
function readFrame(frame: Mapping, document: YamlDocument, path: string, positions: () => Positions): Frame {
  const mapped = readMessage(BootstrapSchema, frame, "");
  const report = createReport();
  if ("problems" in mapped) throw fileError(mapped.problems, path, positions);
  const facts = readBootstrap(mapped.message, (name) => findCluster(name, document), report);
  if (report.problems.length > 0) throw fileError(report.problems, path, positions);
  return { ...facts, findings: report.findings() };
}

function fileError(problems: readonly Problem[], path: string, positions: () => Positions): ConfigError {
  const [first, ...rest] = problems.map((problem) => ({
    where: atLine(path, positions().lineOf(stepsOf(problem.path))),
    what: problem.path === "" ? problem.reason : `${problem.path}: ${problem.reason}`,
  }));
  const others = rest.map(({ where, what }) => `\n${where}: ${what}`).join("");
  return new ConfigError(first?.where ?? path, `${first?.what ?? "can't be used"}${others}`);
}

/** The cluster as a message: the control plane's address may be a name, which no model holds. */
function findCluster(name: string, document: YamlDocument): Cluster | undefined {
  for (const value of document.items("clusters")) {
    if (!isMapping(value) || value["name"] !== name) continue;
    const mapped = readMessage(ClusterSchema, value, "");
    return "message" in mapped ? mapped.message : undefined;
  }
  return undefined;
}

function readListener(value: Json): Decoded<ModelOf["listener"]> {
  const mapped = readMessage(ListenerSchema, value, "");
  return "message" in mapped ? decodeMessage("listener", mapped.message) : unmapped("listener", value, mapped.problems);
}

function readCluster(value: Json): Decoded<ModelOf["cluster"]> {
  const mapped = readMessage(ClusterSchema, value, "");
  return "message" in mapped ? decodeMessage("cluster", mapped.message) : unmapped("cluster", value, mapped.problems);
}

function unmapped(type: "listener" | "cluster", value: Json, problems: readonly Problem[]): Decoded<never> {
  const name = isMapping(value) && typeof value["name"] === "string" ? value["name"] : "";
  return { name, rejections: problems.map((problem) => ({ type, name, ...problem })) };
}

interface Placed<T extends "listener" | "cluster"> {
  readonly path: string;
  readonly decoded: Decoded<ModelOf[T]>;
}

function readResources(
  document: YamlDocument,
  controlPlane: ControlPlane | undefined,
  positions: () => Positions,
): Pick<MeshFile, "snapshot" | "rejections"> {
  const collected: Rejection[] = [];
  const paths = new Map<string, string>();
  const listener = collect("listener", place(document, "listeners", readListener), collected, paths);
  const clusters = leaveControlPlaneOut(place(document, "clusters", readCluster), listener, controlPlane);
  const cluster = collect("cluster", clusters, collected, paths);
  const snapshot: Snapshot = { listener, cluster, route: new Map(), endpoint: new Map() };
  // A cluster that was refused for itself isn't missing as well.
  if (collected.length === 0) {
    const pathOf = (type: string, name: string): string => paths.get(`${type} ${name}`) ?? "";
    collected.push(...sharedAddresses(snapshot, pathOf), ...danglingReferences(snapshot, controlPlane, pathOf));
  }
  const rejections = collected
    .slice(0, MAX_PROBLEMS)
    .map((rejection) => ({ ...rejection, line: positions().lineOf(stepsOf(rejection.path)) }));
  return { snapshot, rejections };
}

function place<T extends "listener" | "cluster">(
  document: YamlDocument,
  list: string,
  read: (value: Json) => Decoded<ModelOf[T]>,
): Placed<T>[] {
  return Array.from(document.items(list), (value, i) => ({
    path: `static_resources.${list}[${i}]`,
    decoded: read(value),
  }));
}

/** The control plane's cluster may have what applications can't use (a name to resolve): then it is left out, unless a listener wants it. */
function leaveControlPlaneOut(
  clusters: readonly Placed<"cluster">[],
  listeners: ReadonlyMap<string, ModelOf["listener"]>,
  controlPlane: ControlPlane | undefined,
): readonly Placed<"cluster">[] {
  if (controlPlane === undefined) return clusters;
  const isWanted = [...listeners.values()].some((listener) =>
    clustersOfListener(listener).includes(controlPlane.cluster),
  );
  return isWanted
    ? clusters
    : clusters.filter(({ decoded }) => decoded.name !== controlPlane.cluster || !("rejections" in decoded));
}

function collect<T extends "listener" | "cluster">(
  type: T,
  placed: readonly Placed<T>[],
  rejections: Rejection[],
  paths: Map<string, string>,
): Map<string, ModelOf[T]> {
  const models = new Map<string, ModelOf[T]>();
  for (const { path, decoded } of placed) {
    const { name } = decoded;
    const first = paths.get(`${type} ${name}`);
    if (first !== undefined && name !== "") {
      rejections.push({ type, name, path: at(path, "name"), reason: `${JSON.stringify(name)} is taken by ${first}` });
    } else paths.set(`${type} ${name}`, path);
    if ("rejections" in decoded) {
      rejections.push(...decoded.rejections.map((rejection) => ({ ...rejection, path: at(path, rejection.path) })));
    } else models.set(name, decoded.model);
  }
  return models;
}

/** `a.b[2].c["d"]` to a, b, 2, c, d. */
function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, key, index, field]) =>
    index === undefined ? (key ?? field ?? "") : Number(index),
  );
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
