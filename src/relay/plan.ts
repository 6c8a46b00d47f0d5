// A filter chain as its requests are served by it: the compiled route table, and for each route, once it was first taken, all that
// depends on the route alone.
import { findRoute, findVirtualHost } from "../compile/route-match.ts";
import { compileRouteTable, type RouteTable } from "../compile/route-table.ts";
import type { HeaderMutations } from "../model/headers.ts";
import type { HttpOptions, LocalRateLimitConfig } from "../model/http.ts";
import type { RequestView } from "../model/request.ts";
import type { ForwardAction, Route, RouteConfiguration, VirtualHost, WeightedDestination } from "../model/route.ts";
import { type EffectiveFilter, effectiveFilters, filterLevels } from "./behaviour/filter-config.ts";
import { addsToRequests, addsToResponses, isStripped } from "./behaviour/forwarded.ts";
import { TokenBucket } from "./behaviour/local-rate-limit.ts";
import { requestMutations, responseMutations } from "./behaviour/mutations.ts";
import type { RelayChain } from "./protocol.ts";
import type { Shared } from "./shared.ts";
import type { HeadLimits, MessageHead } from "./wire/head.ts";

/** One route with one choice of its weighted clusters. */
export interface RoutePlan {
  readonly virtualHost: VirtualHost;
  readonly route: Route;
  readonly weighted: WeightedDestination | undefined;
  readonly filters: readonly EffectiveFilter[];
  readonly requestMutations: readonly HeaderMutations[];
  readonly responseMutations: readonly HeaderMutations[];
  /** The request is forwarded with the fields that came, whoever the endpoint is. */
  readonly keepsRequest: boolean;
}

export class ChainPlan {
  readonly chain: RelayChain;
  readonly options: HttpOptions;
  readonly configuration: RouteConfiguration;
  readonly limits: HeadLimits;
  /** Something is done to the fields of every request, or response, before routes are looked at. */
  readonly changesRequests: boolean;
  readonly changesResponses: boolean;
  readonly normalizesPaths: boolean;
  readonly stripsAuthorities: boolean;
  readonly #table: RouteTable;
  /** Where each stands in the table. */
  readonly #hostIndex: ReadonlyMap<VirtualHost, number>;
  readonly #shared: Shared;
  readonly #plans = new Map<Route, Map<WeightedDestination | undefined, RoutePlan>>();
  readonly #buckets = new Map<LocalRateLimitConfig, TokenBucket | undefined>();

  constructor(chain: RelayChain, shared: Shared) {
    const { options } = chain.http;
    this.chain = chain;
    this.options = options;
    this.configuration = chain.configuration;
    this.limits = { maxBytes: options.maxHeadBytes, maxFields: options.maxHeaders };
    this.changesRequests = addsToRequests(options) || options.generateRequestId || options.underscores !== "allow";
    this.changesResponses = addsToResponses(options) || options.requestIdInResponse;
    this.normalizesPaths = options.normalizePath || options.mergeSlashes || options.escapedSlashes !== "keep";
    this.stripsAuthorities = options.stripPort !== "no" || options.stripTrailingDot;
    this.#table = compileRouteTable(chain.configuration);
    this.#hostIndex = new Map(chain.configuration.virtualHosts.map((host, index) => [host, index]));
    this.#shared = shared;
  }

  /** Undefined: none of its domains is the request's. */
  virtualHost(request: RequestView): VirtualHost | undefined {
    return this.configuration.virtualHosts[findVirtualHost(this.#table, request.authority)];
  }

  /** Undefined: none of the virtual host's routes takes it. */
  route(virtualHost: VirtualHost, request: RequestView, random: number): Route | undefined {
    const host = this.#hostIndex.get(virtualHost) ?? -1;
    return virtualHost.routes[findRoute(this.#table, host, request, random)];
  }

  /** Whether fields of the request must go before anything looks at it. */
  strips(head: MessageHead): boolean {
    const { internalOnlyHeaders } = this.configuration;
    for (let field = 0; field < head.count; field++) {
      const isSuspect = internalOnlyHeaders.length > 0 || isEnvoyField(head, field);
      if (isSuspect && this.isStripped(head.name(field).toLowerCase())) return true;
    }
    return false;
  }

  isStripped(lowerName: string): boolean {
    return isStripped(lowerName, this.options, this.configuration.internalOnlyHeaders);
  }

  /** The bucket that all workers share for these settings of this listener. */
  bucket(config: LocalRateLimitConfig): TokenBucket | undefined {
    if (this.#buckets.has(config)) return this.#buckets.get(config);
    const bucket = config.bucket && new TokenBucket(this.#shared.bucket(this.#bucketKey(config)), config.bucket);
    this.#buckets.set(config, bucket);
    return bucket;
  }

  /** Workers must agree on it; settings that are written twice alike in one chain share a bucket. */
  #bucketKey(config: LocalRateLimitConfig): bigint {
    const { listener, chain } = this.chain;
    const text = JSON.stringify([listener, chain, config.statPrefix, config.bucket]);
    return BigInt.asIntN(64, Bun.hash.xxHash64(text)) || 1n;
  }

  /** The same object for the same choice. */
  planOf(virtualHost: VirtualHost, route: Route, weighted: WeightedDestination | undefined): RoutePlan {
    let plans = this.#plans.get(route);
    if (plans === undefined) {
      plans = new Map();
      this.#plans.set(route, plans);
    }
    let plan = plans.get(weighted);
    if (plan === undefined) {
      plan = this.#makePlan(virtualHost, route, weighted);
      plans.set(weighted, plan);
    }
    return plan;
  }

  #makePlan(virtualHost: VirtualHost, route: Route, weighted: WeightedDestination | undefined): RoutePlan {
    const { configuration } = this;
    const levels = filterLevels(configuration, virtualHost, route, weighted);
    const mutations = requestMutations(configuration, virtualHost, route, weighted);
    const { action } = route;
    return {
      virtualHost,
      route,
      weighted,
      filters: effectiveFilters(this.chain.http.filters, levels),
      requestMutations: mutations,
      responseMutations: responseMutations(configuration, virtualHost, route, weighted),
      keepsRequest:
        mutations.length === 0 &&
        !virtualHost.attemptCount.inRequest &&
        weighted?.hostRewrite === undefined &&
        action.type === "forward" &&
        !changesFields(action),
    };
  }
}

function changesFields({ pathRewrite, hostRewrite, grpcTimeoutHeaderMaxMs }: ForwardAction): boolean {
  return pathRewrite !== undefined || hostRewrite !== undefined || grpcTimeoutHeaderMaxMs !== undefined;
}

const prefix = "x-envoy-";

function isEnvoyField(head: MessageHead, field: number): boolean {
  const start = head.lineStart[field] ?? 0;
  const end = head.nameEnd[field] ?? 0;
  if (end - start <= prefix.length || (head.text.charCodeAt(start) | 0x20) !== 0x78) return false;
  return head.text.substring(start, start + prefix.length).toLowerCase() === prefix;
}
