// The layout of a compiled route table: rows of 32-bit words and one pool of bytes, which a BPF program can walk with bounded loops
// as well as TypeScript. Whatever a request asks of a route configuration is here; what is then done to it stays in the model, whose
// indexes the table gives back.
//
// A request is matched in three steps:
//   1. `groups`, in order, each the domains of one kind and length. Where the host's length fits, the hash of its part is looked for
//      in the group's rows of `domains` (sorted by hash) and the text compared. The first hit names the virtual host.
//   2. `hosts` gives the virtual host's rows of `routes`, in order; the first route that holds is the answer.
//   3. A route holds when all of its rows of `conditions` do. Their order is of no consequence: the path, as the cheapest, is first.
import type { RE2JS } from "re2js";

export interface RouteRows {
  /** DomainKind, length of the text, first row of `domains`, number of rows. */
  readonly groups: Uint32Array;
  /** domainHash of the text, where it is in `pool`, index of the virtual host. The text has the length of its group. */
  readonly domains: Uint32Array;
  /** First row of `routes`, number of rows. One for each virtual host, as in the model. */
  readonly hosts: Uint32Array;
  /** First row of `conditions`, number of rows. One for each route, as in the model. */
  readonly routes: Uint32Array;
  /**
   * Subject, Operator, ConditionFlags, name offset, name length, value offset, value length, 0.
   * Names are those of a header (lower case), query parameter or cookie. What value is depends on the operator: text in `pool`,
   * in lower case where the case is ignored; `range`: the row of `ranges`; `pattern`: the index in `patterns`; `chance`: numerator and denominator in place of offset and length.
   */
  readonly conditions: Uint32Array;
  /** Two signed 64-bit bounds, each as its low and high half: at least the first, below the second. */
  readonly ranges: Uint32Array;
  /** Texts, one byte a character (latin1). */
  readonly pool: Uint8Array;
  /** The one thing that BPF can't do: regular expressions. They must match the whole text. */
  readonly patterns: readonly RE2JS[];
  /** ignore_port_in_host_matching */
  readonly ignorePort: boolean;
}

export const groupWords = 4;
export const domainWords = 3;
export const hostWords = 2;
export const routeWords = 2;
export const conditionWords = 8;
export const rangeWords = 4;

/** In the order of the search (RouteMatcher::findVirtualHost in envoy/source/common/router/config_impl.cc); wildcards longest first. */
export const DomainKind = {
  /** The whole host. */
  exact: 0,
  /** `*.example.com`: the host is longer and ends so. */
  suffix: 1,
  /** `example.*`: the host is longer and begins so. */
  prefix: 2,
  /** `*`: one row without text. */
  any: 3,
} as const;
export type DomainKind = (typeof DomainKind)[keyof typeof DomainKind];

export const Subject = {
  /** Of any method but CONNECT, without query. */
  path: 0,
  header: 1,
  /** As sent, without decoding; the first of that name. */
  queryParameter: 2,
  /** The first of that name. */
  cookie: 3,
  /** The request's random number. */
  random: 4,
  /** content-type is gRPC's. */
  grpc: 5,
  /** The method is CONNECT. */
  connect: 6,
} as const;
export type Subject = (typeof Subject)[keyof typeof Subject];

export const Operator = {
  exact: 0,
  prefix: 1,
  suffix: 2,
  contains: 3,
  pattern: 4,
  present: 5,
  range: 6,
  /** A prefix that ends where the text does or where a "/" follows. */
  separatedPrefix: 7,
  chance: 8,
  /** The subject says it all. */
  none: 9,
} as const;
export type Operator = (typeof Operator)[keyof typeof Operator];

export const ConditionFlags = { invert: 1, ignoreCase: 2, missingIsEmpty: 4 } as const;

/** FNV-1a, 32 bits (https://datatracker.ietf.org/doc/html/draft-eastlake-fnv): no multiplication beyond 32 bits, one step a byte. */
export function domainHash(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
