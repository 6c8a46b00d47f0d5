// From a response to the next snapshot, resource by resource: what is valid applies, what isn't is named with its field path
// and keeps its last good model. Yields to the event loop between slices, and lets go of the response's bytes.
import { routesOf } from "../model/references.ts";
import type { ModelOf, Rejection, ResourceType, Snapshot } from "../model/snapshot.ts";
import { decodeResource } from "./resource/decode.ts";
import { type Expired, type ReceivedResource, type Response, typeUrlOf } from "./stream.ts";
import type { Outcome } from "./subscriptions.ts";

/** Decoding runs at ~10 MB/s: a slice is done in some milliseconds. A single resource can't be cut. */
const SLICE_BYTES = 64 * 1024;
/** What a resource costs beside its bytes. */
const RESOURCE_BYTES = 256;

export interface Acceptance extends Outcome {
  readonly next: Snapshot;
}

/** Never throws. Names that are no longer subscribed to are dropped without a word: they were sent before the server knew. */
export async function accept(snapshot: Snapshot, update: Response | Expired): Promise<Acceptance> {
  if (update.kind === "expired") return { next: snapshot, accepted: new Map(), removed: [], rejected: [] };
  return acceptResponse(snapshot, update.type, update);
}

async function acceptResponse<T extends ResourceType>(
  snapshot: Snapshot,
  type: T,
  response: Response,
): Promise<Acceptance> {
  const { models, versions, rejected } = await decodeAll(type, response);
  const current: ReadonlyMap<string, ModelOf[T]> = snapshot[type];
  const removed = removedNames(current, models, rejected, response);
  const resources = new Map(current);
  for (const name of removed) resources.delete(name);
  for (const [name, model] of models) resources.set(name, model);
  const next = prune({ ...snapshot, [type]: resources }, type);
  return { next, accepted: versions, removed, rejected };
}

interface Decoded<M> {
  readonly models: Map<string, M>;
  readonly versions: Map<string, string>;
  readonly rejected: Rejection[];
}

async function decodeAll<T extends ResourceType>(type: T, response: Response): Promise<Decoded<ModelOf[T]>> {
  const decoded: Decoded<ModelOf[T]> = { models: new Map(), versions: new Map(), rejected: [] };
  const occurrences = new Map<string, number>();
  let sliceBytes = 0;
  for (const received of response.resources) {
    sliceBytes += received.value.byteLength + RESOURCE_BYTES;
    if (sliceBytes > SLICE_BYTES) {
      sliceBytes = 0;
      await nextTurn();
    }
    const { name, model, rejections } = decodeOne(type, received);
    if (name !== "" && response.wanted?.has(name) === false) continue;
    const count = name === "" ? 0 : (occurrences.get(name) ?? 0);
    occurrences.set(name, count + 1);
    if (count === 1) refuseDuplicate(type, name, decoded);
    if (count > 0) continue;
    decoded.rejected.push(...rejections);
    if (model === undefined) continue;
    decoded.models.set(name, model);
    decoded.versions.set(name, received.version);
  }
  response.resources.length = 0;
  return decoded;
}

interface DecodedOne<M> {
  readonly name: string;
  /** Undefined where there are rejections. */
  readonly model: M | undefined;
  readonly rejections: readonly Rejection[];
}

function decodeOne<T extends ResourceType>(type: T, received: ReceivedResource): DecodedOne<ModelOf[T]> {
  const refuse = (name: string, reason: string): DecodedOne<ModelOf[T]> => ({
    name,
    model: undefined,
    rejections: [{ type, name, path: "", reason }],
  });
  const expected = typeUrlOf(type);
  if (received.typeUrl === "") return refuse(received.name ?? "", "the resource is missing");
  if (received.typeUrl !== expected) {
    return refuse(received.name ?? "", `the resource is a ${received.typeUrl}, not a ${expected}`);
  }
  const decoded = decodeResource(type, received.value);
  const name = decoded.name === "" ? (received.name ?? "") : decoded.name;
  if ("rejections" in decoded) {
    return { name, model: undefined, rejections: decoded.rejections.map((rejection) => ({ ...rejection, name })) };
  }
  // Removal goes by the wrapper's name: a resource under another name could never be removed.
  if (received.name !== undefined && received.name !== name) {
    return refuse(received.name, `the resource calls itself ${JSON.stringify(name)}`);
  }
  return { name, model: decoded.model, rejections: [] };
}

/** Nobody can say which of the two is meant: neither. */
function refuseDuplicate<M>(type: ResourceType, name: string, { models, versions, rejected }: Decoded<M>): void {
  models.delete(name);
  versions.delete(name);
  rejected.push({ type, name, path: "", reason: "the name occurs more than once in the response" });
}

function removedNames<M>(
  current: ReadonlyMap<string, M>,
  models: ReadonlyMap<string, M>,
  rejected: readonly Rejection[],
  response: Response,
): string[] {
  if (!response.isFullState) return [...response.removed];
  const refused = new Set(rejected.map(({ name }) => name));
  // A refused resource that doesn't say its name may be any of those that seem to be gone.
  if (refused.has("")) return [];
  return [...current.keys()].filter((name) => !models.has(name) && !refused.has(name));
}

/** Drops what nothing refers to any more; `Subscriptions.want` drops the same names. */
function prune(snapshot: Snapshot, changed: ResourceType): Snapshot {
  switch (changed) {
    case "cluster":
      return { ...snapshot, endpoint: keepOnly(snapshot.endpoint, wantedEndpoints(snapshot)) };
    case "listener":
      return { ...snapshot, route: keepOnly(snapshot.route, wantedRoutes(snapshot)) };
    case "endpoint":
    case "route":
      return snapshot;
  }
}

function keepOnly<M>(resources: ReadonlyMap<string, M>, names: ReadonlySet<string>): ReadonlyMap<string, M> {
  const kept = new Map(resources);
  for (const name of resources.keys()) if (!names.has(name)) kept.delete(name);
  return kept.size === resources.size ? resources : kept;
}

/** The endpoint assignments that the clusters of a snapshot refer to. */
export function wantedEndpoints(snapshot: Snapshot): Set<string> {
  const names = new Set<string>();
  for (const { discovery } of snapshot.cluster.values()) if (discovery.type === "eds") names.add(discovery.serviceName);
  return names;
}

/** The route configurations that the listeners of a snapshot refer to. */
export function wantedRoutes(snapshot: Snapshot): Set<string> {
  const names = new Set<string>();
  for (const listener of snapshot.listener.values()) for (const name of routesOf(listener)) names.add(name);
  return names;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
