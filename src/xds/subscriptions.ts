// What is subscribed to and what is held, per resource type: everything that outlives one stream, so that the next one can
// resume (initial_resource_versions) and resubscribe by name. A name that is wanted is held, missing, or given up.
import type { Rejection, ResourceType } from "../model/snapshot.ts";
import { fetchOrder } from "./stream.ts";

/** Names and their versions, for a client that starts from resources kept on disk. */
export type HeldVersions = { readonly [T in ResourceType]?: ReadonlyMap<string, string> };

/** What became of one response. */
export interface Outcome {
  /** Accepted names and their versions. */
  readonly accepted: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  readonly rejected: readonly Rejection[];
}

export interface NameChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

interface TypeState {
  wanted: ReadonlySet<string>;
  /** Resources that were accepted, with their versions. */
  readonly held: Map<string, string>;
  /** Wanted, and neither held nor given up: the initial fetch is under way. */
  readonly missing: Set<string>;
  /** Wanted, not held, and not waited for: refused, declared absent by the server, or not sent in time. */
  readonly givenUp: Set<string>;
  /** version_info of the last response that was accepted as a whole. */
  version: string;
  /** Some response came (whatever became of it), or the wait for it is over. */
  isAnswered: boolean;
}

export class Subscriptions {
  readonly #states: { readonly [T in ResourceType]: TypeState };
  #areListenersDue = false;

  constructor(held: HeldVersions = {}) {
    this.#states = {
      cluster: newState(held.cluster),
      endpoint: newState(held.endpoint),
      listener: newState(held.listener),
      route: newState(held.route),
    };
  }

  /** The names to ask for; undefined where everything is (wildcard). */
  wanted(type: ResourceType): ReadonlySet<string> | undefined {
    return isWildcard(type) ? undefined : this.#states[type].wanted;
  }

  held(type: ResourceType): ReadonlyMap<string, string> {
    return this.#states[type].held;
  }

  missing(type: ResourceType): ReadonlySet<string> {
    return this.#states[type].missing;
  }

  givenUp(type: ResourceType): ReadonlySet<string> {
    return this.#states[type].givenUp;
  }

  version(type: ResourceType): string {
    return this.#states[type].version;
  }

  isAnswered(type: ResourceType): boolean {
    return this.#states[type].isAnswered;
  }

  /**
   * The types that a stream should be subscribed to now, in fetch order. Listeners come last but routes: as Envoy, only
   * when clusters and their endpoints have arrived (or the wait for them is over), and from then on always.
   */
  due(): ResourceType[] {
    this.#areListenersDue ||= this.#states.cluster.isAnswered && this.#states.endpoint.missing.size === 0;
    return fetchOrder.filter((type) => {
      if (type === "listener") return this.#areListenersDue;
      return isWildcard(type) || this.#states[type].wanted.size > 0;
    });
  }

  /** Replaces the names wanted of a type; keeps the set. For clusters, which come by wildcard, they are only waited for. */
  want(type: ResourceType, names: ReadonlySet<string>): NameChange {
    const state = this.#states[type];
    const added = without(names, state.wanted);
    const removed = without(state.wanted, names);
    if (added.length === 0 && removed.length === 0) return { added, removed };
    state.wanted = names;
    for (const name of added) if (!state.held.has(name)) state.missing.add(name);
    for (const name of removed) {
      state.missing.delete(name);
      state.givenUp.delete(name);
    }
    if (!isWildcard(type)) forgetOthers(state.held, names);
    return { added, removed };
  }

  record(type: ResourceType, version: string, { accepted, removed, rejected }: Outcome): void {
    const state = this.#states[type];
    state.isAnswered = true;
    if (rejected.length === 0) state.version = version;
    for (const name of removed) {
      state.held.delete(name);
      this.giveUp(type, name);
    }
    for (const [name, itsVersion] of accepted) {
      state.held.set(name, itsVersion);
      state.missing.delete(name);
      state.givenUp.delete(name);
    }
    for (const { name } of rejected) this.giveUp(type, name);
  }

  /** No longer waits for a name that isn't held. */
  giveUp(type: ResourceType, name: string): void {
    const state = this.#states[type];
    state.missing.delete(name);
    if (state.wanted.has(name) && !state.held.has(name)) state.givenUp.add(name);
  }

  /** No longer waits for the first response of a wildcard type. */
  stopWaiting(type: ResourceType): void {
    this.#states[type].isAnswered = true;
  }
}

export function isWildcard(type: ResourceType): boolean {
  return type === "cluster" || type === "listener";
}

function without(names: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const left: string[] = [];
  for (const name of names) if (!others.has(name)) left.push(name);
  return left;
}

/** The server forgets what is unsubscribed; a version that is still claimed would make it skip a later answer. */
function forgetOthers(held: Map<string, string>, names: ReadonlySet<string>): void {
  for (const name of held.keys()) if (!names.has(name)) held.delete(name);
}

function newState(held: ReadonlyMap<string, string> | undefined): TypeState {
  return {
    wanted: new Set(),
    held: new Map(held),
    missing: new Set(),
    givenUp: new Set(),
    version: "",
    isAnswered: false,
  };
}
