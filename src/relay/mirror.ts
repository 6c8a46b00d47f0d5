// Copies of requests to other clusters (request_mirror_policies): sent once a request has come whole, and whatever is answered is
// thrown away (source/common/router/shadow_writer_impl.cc).
import type { MirrorPolicy } from "../model/route.ts";
import { type HttpRequest, happens } from "./behaviour/conditions.ts";
import { mirrorAuthority } from "./behaviour/mirror.ts";
import type { ClusterState } from "./cluster.ts";
import type { Engine } from "./engine.ts";
import { changedRequest } from "./head-text.ts";
import { changeable } from "./outbound.ts";
import type { Pool } from "./pool.ts";
import type { Original } from "./protocol.ts";
import { passNothing } from "./request.ts";
import { Timer } from "./timers.ts";
import type { Upstream, UpstreamUser } from "./upstream.ts";

/** One that is to be sent. */
export interface ChosenMirror {
  readonly cluster: ClusterState;
  readonly policy: MirrorPolicy;
}

/** Those of the route that this request takes part in; a cluster that isn't known gets nothing. */
export function chooseMirrors(
  policies: readonly MirrorPolicy[],
  request: HttpRequest,
  { state, random }: Engine,
): readonly ChosenMirror[] {
  return policies.flatMap((policy): ChosenMirror[] => {
    if (policy.fraction !== undefined && !happens(policy.fraction, random)) return [];
    const name = policy.clusterHeader === "" ? policy.cluster : request.header(policy.clusterHeader);
    const cluster = name === undefined ? undefined : state.cluster(name);
    return cluster === undefined ? [] : [{ cluster, policy }];
  });
}

export interface MirrorInput {
  /** As it is sent to its own cluster. */
  readonly request: HttpRequest;
  readonly body: readonly Buffer[];
  readonly original: Original;
  /** 0 = none. */
  readonly timeoutMs: number;
}

export function sendMirror(engine: Engine, { cluster, policy }: ChosenMirror, input: MirrorInput): void {
  const target = cluster.choose(undefined, input.original.destination);
  if (target === undefined) return;
  cluster.counters.mirrored++;
  const request = changeable(input.request, passNothing);
  request.authority = mirrorAuthority(request.authority, policy.keepHost);
  const head = Buffer.from(changedRequest(request), "latin1");
  const pool = cluster.pool(target, "default");
  new Mirror(engine, pool, [head, ...input.body], input.timeoutMs).send(request.method);
}

class Mirror implements UpstreamUser {
  readonly wantsData = false;
  readonly #pool: Pool;
  readonly #parts: readonly Buffer[];
  readonly #timeout: Timer;
  readonly #timeoutMs: number;
  #upstream: Upstream | undefined;

  constructor(engine: Engine, pool: Pool, parts: readonly Buffer[], timeoutMs: number) {
    this.#pool = pool;
    this.#parts = parts;
    this.#timeoutMs = timeoutMs;
    this.#timeout = new Timer(engine.timers, () => this.#giveUp());
  }

  send(method: string): void {
    if (this.#timeoutMs > 0) this.#timeout.start(this.#timeoutMs);
    this.#pool.request(this, method, false, false);
  }

  onReady(upstream: Upstream): void {
    this.#upstream = upstream;
    upstream.flow.write(
      Buffer.concat(this.#parts),
      0,
      this.#parts.reduce((sum, { length }) => sum + length, 0),
      true,
    );
    upstream.isRequestSent = true;
  }

  onUnavailable(): void {
    this.#timeout.stop();
  }

  onInterim(): void {
    // Nobody reads it.
  }

  onResponse(_upstream: Upstream, _bytes: Buffer, _start: number, _from: number, _to: number, isEnd: boolean): void {
    if (isEnd) this.#done();
  }

  onBody(_upstream: Upstream, _bytes: Buffer, _from: number, _to: number, isEnd: boolean): void {
    if (isEnd) this.#done();
  }

  onReset(): void {
    this.#done();
  }

  #done(): void {
    this.#upstream = undefined;
    this.#timeout.stop();
  }

  #giveUp(): void {
    this.#pool.cancel(this);
    this.#upstream?.abandon();
    this.#upstream = undefined;
  }
}
